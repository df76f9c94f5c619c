-- Notes and controllers as the bytes that MIDI_SetAllEvts takes, in whatever resolution the take has.

local M = {}

local NOTE_OFF, NOTE_ON, CONTROL, PROGRAM = 0x80, 0x90, 0xB0, 0xC0
local ALL_NOTES_OFF = 123
local FIRST_OFF, THEN_CONTROL, THEN_ON = 0, 1, 2 -- order of what happens at one moment
local EVENT = '<i4Bs4'                           -- ticks since the event before, flags, message

local function in_range(value, low, high)
  return math.type(value) == 'integer' and value >= low and value <= high
end

-- Raise an error unless every row of an item can be written. Nothing has been touched by then.
function M.check(item)
  for _, note in ipairs(item.notes) do
    local tick, pitch, duration, velocity = note[1], note[2], note[3], note[4]
    if not (in_range(tick, 0, item.ticks - 1) and in_range(pitch, 0, 127) and in_range(duration, 1, item.ticks)
        and in_range(velocity, 1, 127)) then
      error(string.format('%s: a note that cannot be written (tick %s, pitch %s, duration %s, velocity %s)', item.id,
        tostring(tick), tostring(pitch), tostring(duration), tostring(velocity)), 0)
    end
  end
  for _, control in ipairs(item.controls) do
    if not (in_range(control[1], 0, item.ticks) and in_range(control[2], 0, 119) and in_range(control[3], 0, 127)) then
      error(string.format('%s: a controller that cannot be written (tick %s, number %s, value %s)', item.id,
        tostring(control[1]), tostring(control[2]), tostring(control[3])), 0)
    end
  end
end

-- Ticks of the score, counted from the start of the item, to ticks of the take.
function M.scale(reaper, project, take, position, ticks_per_quarter)
  local quarter = reaper.TimeMap2_timeToQN(project, position)
  local zero = reaper.MIDI_GetPPQPosFromProjQN(take, quarter)
  local per_quarter = reaper.MIDI_GetPPQPosFromProjQN(take, quarter + 1) - zero
  if per_quarter <= 0 then error('REAPER has made a take that cannot hold MIDI', 0) end
  return function(tick)
    return math.floor(zero + tick * per_quarter / ticks_per_quarter + 0.5)
  end
end

-- What an item holds as messages in order: notes [tick, pitch, duration, velocity], controls [tick, number, value], a
-- program at its start when it has one. Needs nothing of REAPER, so it can be done before anything is changed.
function M.prepare(item, channel)
  local rows, count = {}, 0

  local function add(tick, order, message)
    count = count + 1
    rows[count] = { tick, order, count, message }
  end

  if item.program then add(0, THEN_CONTROL, string.char(PROGRAM | channel, item.program)) end
  for _, control in ipairs(item.controls) do
    add(control[1], THEN_CONTROL, string.char(CONTROL | channel, control[2], control[3]))
  end
  for _, note in ipairs(item.notes) do
    add(note[1], THEN_ON, string.char(NOTE_ON | channel, note[2], note[4]))
    add(note[1] + note[3], FIRST_OFF, string.char(NOTE_OFF | channel, note[2], 0))
  end
  table.sort(rows, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    if a[2] ~= b[2] then return a[2] < b[2] end
    return a[3] < b[3]
  end)
  item.rows = rows
end

-- The bytes of a prepared item, with an end mark that gives the source its length.
function M.pack(item, at)
  local pieces, now = {}, 0
  for index, row in ipairs(item.rows) do
    local tick = at(row[1])
    pieces[index] = string.pack(EVENT, tick - now, 0, row[4])
    now = tick
  end
  local rest = math.max(at(item.ticks) - now, 0)
  pieces[#pieces + 1] = string.pack(EVENT, rest, 0, string.char(CONTROL, ALL_NOTES_OFF, 0))
  return table.concat(pieces)
end

-- Write an item into a take and read back what is there.
function M.write(reaper, take, item, at)
  if not reaper.MIDI_SetAllEvts(take, M.pack(item, at)) then
    error(item.id .. ': REAPER did not take the notes', 0)
  end
  reaper.MIDI_Sort(take)
  local _, notes = reaper.MIDI_CountEvts(take)
  if notes ~= #item.notes then
    error(string.format('%s: %d notes were sent and %d are there', item.id, #item.notes, notes), 0)
  end
  return notes
end

return M
