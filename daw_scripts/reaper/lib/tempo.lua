-- The tempo map of a cue in the project, and whatever must not move when it changes.

local M = {}

local NEAR_S = 1e-6      -- tempo markers closer than this are one
local NEAR_BPM = 1e-7
local METRE, PARTIAL = 1, 4 -- flags of a tempo marker
local AS_TIME = 0        -- timebase of an item: bound to seconds

function M.new(reaper)
  local tempo = {}

  local function marker(project, index)
    local ok, time, _, _, bpm, numerator, denominator, ramp = reaper.GetTempoTimeSigMarker(project, index)
    if not ok then return nil end
    return { index = index, time = time, bpm = bpm, numerator = numerator, denominator = denominator, ramp = ramp }
  end

  -- The project's tempo markers in [from, to), in order of time.
  local function between(project, from, to)
    local found = {}
    for index = 0, reaper.CountTempoTimeSigMarkers(project) - 1 do
      local here = marker(project, index)
      if here and here.time > from - NEAR_S and here.time < to - NEAR_S then found[#found + 1] = here end
    end
    return found
  end

  local function equal(there, wanted)
    return math.abs(there.time - wanted.time) < NEAR_S and math.abs(there.bpm - wanted.bpm) < NEAR_BPM
        and not there.ramp and (wanted.numerator == 0
          or (there.numerator == wanted.numerator and there.denominator == wanted.denominator))
  end

  -- Whether the project has exactly these markers (time, bpm, numerator, denominator) in [from, to).
  function tempo.is_there(project, wanted, from, to)
    local there = between(project, from, to)
    if #there ~= #wanted then return false end
    for index, here in ipairs(there) do
      if not equal(here, wanted[index]) then return false end
    end
    return true
  end

  -- Set a tempo marker: the one that is there, or a new one.
  local function write_marker(project, wanted)
    local index = reaper.FindTempoTimeSigMarker(project, wanted.time + NEAR_S)
    local here = index >= 0 and marker(project, index)
    if not here or math.abs(here.time - wanted.time) >= NEAR_S then index = -1 end
    local ok = reaper.SetTempoTimeSigMarker(project, index, wanted.time, -1, -1, wanted.bpm, wanted.numerator,
      wanted.denominator, false)
    if not ok then error(string.format('REAPER did not take the tempo marker at %.3f s', wanted.time), 0) end
  end

  local function is_known(known, time)
    for _, mine in ipairs(known) do
      if math.abs(mine - time) < NEAR_S then return true end
    end
    return false
  end

  -- How many tempo markers in [from, to) are not ours.
  function tempo.foreign(project, known, from, to)
    local count = 0
    for _, here in ipairs(between(project, from, to)) do
      if not is_known(known, here.time) then count = count + 1 end
    end
    return count
  end

  -- A marker that may stay to be set anew: REAPER does not like to lose the one at the head of a project. One that
  -- sets a metre where none is wanted goes.
  local function can_stay(here, wanted)
    for _, mark in ipairs(wanted) do
      if math.abs(mark.time - here.time) < NEAR_S then return mark.numerator > 0 or here.numerator <= 0 end
    end
    return false
  end

  -- The tempo that the project has behind a cue, to be kept there; nil when no tempo marker of somebody else follows,
  -- or one begins just there.
  local function tempo_behind(project, known, to)
    local others = false
    for _, here in ipairs(between(project, to, math.huge)) do
      if not is_known(known, here.time) then
        if math.abs(here.time - to) < NEAR_S then return nil end
        others = true
      end
    end
    if not others then return nil end
    local probe = math.max(to, known[#known] or to) + NEAR_S -- behind what we wrote before, too
    local numerator, denominator, bpm = reaper.TimeMap_GetTimeSigAtTime(project, probe)
    return { time = to, bpm = bpm, numerator = numerator, denominator = denominator }
  end

  -- Put the markers in place of those in [from, to) and of those that we once wrote elsewhere (`known`: their times).
  -- Where the project has tempo markers behind `to`, it keeps the tempo it had there. Returns the times written.
  function tempo.write(project, wanted, known, from, to)
    local behind = tempo_behind(project, known, to)
    for index = reaper.CountTempoTimeSigMarkers(project) - 1, 0, -1 do
      local here = marker(project, index)
      local inside = here.time > from - NEAR_S and here.time < to - NEAR_S
      if (inside or is_known(known, here.time)) and not can_stay(here, wanted) then
        reaper.DeleteTempoTimeSigMarker(project, index)
      end
    end
    local times = {}
    for index, mark in ipairs(wanted) do
      write_marker(project, mark)
      times[index] = mark.time
    end
    if wanted[1] and wanted[1].numerator > 0 and reaper.APIExists('GetSetTempoTimeSigMarkerFlag') then
      local first = reaper.FindTempoTimeSigMarker(project, wanted[1].time + NEAR_S)
      reaper.GetSetTempoTimeSigMarkerFlag(project, first, METRE | PARTIAL, true) -- a cue may begin within a bar
    end
    if behind then
      write_marker(project, behind)
      times[#times + 1] = to
    end
    return times
  end

  local function root_source(take)
    local source = reaper.GetMediaItemTake_Source(take)
    while source do
      local parent = reaper.GetMediaSourceParent(source)
      if not parent then return source end
      source = parent
    end
    return nil
  end

  -- "VIDEO", "WAVE", "MIDI" ... of an item's active take; "" for an empty item.
  function tempo.source_type(item)
    local take = reaper.GetActiveTake(item)
    local source = take and root_source(take)
    return source and reaper.GetMediaSourceType(source, '') or ''
  end

  -- Bind picture and sound to time, and remember where everything lies that is not in `ours`.
  function tempo.protect(project, ours)
    local rows = {}
    for index = 0, reaper.CountMediaItems(project) - 1 do
      local item = reaper.GetMediaItem(project, index)
      if not ours[item] then
        local kind = tempo.source_type(item)
        local row = {
          item = item,
          kind = kind,
          fixed = not kind:find('^MIDI'),
          position = reaper.GetMediaItemInfo_Value(item, 'D_POSITION'),
          length = reaper.GetMediaItemInfo_Value(item, 'D_LENGTH'),
          mode = reaper.GetMediaItemInfo_Value(item, 'C_BEATATTACHMODE'),
        }
        if row.fixed and row.mode ~= AS_TIME then
          reaper.SetMediaItemInfo_Value(item, 'C_BEATATTACHMODE', AS_TIME)
        end
        rows[#rows + 1] = row
      end
    end
    return rows
  end

  -- After the map has changed: sound gets its timebase back (picture stays bound to time), what was bound to time
  -- lies where it lay. Returns how many of the composer's own MIDI items have moved with their beats.
  function tempo.release(rows)
    local moved = 0
    for _, row in ipairs(rows) do
      local position = reaper.GetMediaItemInfo_Value(row.item, 'D_POSITION')
      local length = reaper.GetMediaItemInfo_Value(row.item, 'D_LENGTH')
      local differs = math.abs(position - row.position) > 1e-9 or math.abs(length - row.length) > 1e-9
      if row.fixed and differs then
        reaper.SetMediaItemInfo_Value(row.item, 'D_POSITION', row.position)
        reaper.SetMediaItemInfo_Value(row.item, 'D_LENGTH', row.length)
      elseif differs then
        moved = moved + 1
      end
      if row.fixed and row.mode ~= AS_TIME and row.kind ~= 'VIDEO' then
        reaper.SetMediaItemInfo_Value(row.item, 'C_BEATATTACHMODE', row.mode)
      end
    end
    return moved
  end

  return tempo
end

return M
