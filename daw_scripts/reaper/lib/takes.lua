-- Items of ours and the takes in them: alternatives stay beside each other, in REAPER's own takes.

local M = {}

local NEAR_S = 1e-6

function M.new(reaper, id, midi, operation)
  local takes = {}

  function takes.all(item)
    local found = {}
    for index = 0, reaper.CountTakes(item) - 1 do found[#found + 1] = reaper.GetMediaItemTake(item, index) end
    return found
  end

  -- Whether a take holds what we wrote, and nothing else.
  function takes.is_untouched(take)
    return id.of_take(take, 'hash') ~= nil and not id.is_edited(take)
  end

  -- The untouched take with this content, if there is one.
  function takes.with_content(item, content)
    for _, take in ipairs(takes.all(item)) do
      if id.of_take(take, 'content') == content and takes.is_untouched(take) then return take end
    end
    return nil
  end

  function takes.is_edited(item)
    local take = reaper.GetActiveTake(item)
    return id.is_moved(item) or not (take and takes.is_untouched(take))
  end

  function takes.any_edited(item)
    for _, take in ipairs(takes.all(item)) do
      if not takes.is_untouched(take) then return true end
    end
    return id.is_moved(item)
  end

  local function lies_at(item, row)
    return math.abs(reaper.GetMediaItemInfo_Value(item, 'D_POSITION') - row.position) < NEAR_S
        and math.abs(reaper.GetMediaItemInfo_Value(item, 'D_LENGTH') - row.length) < NEAR_S
  end

  local function place(item, row)
    reaper.SetMediaItemInfo_Value(item, 'D_POSITION', row.position)
    reaper.SetMediaItemInfo_Value(item, 'D_LENGTH', row.length)
    id.remember_place(item)
  end

  -- What is to become of an item: one of the outcomes of the protocol. Nothing is changed here.
  function takes.judge(item, row, on_edit)
    if not item then return 'written' end
    local pushed = id.of_item(item, 'content')
    local edited = takes.is_edited(item)
    if not edited and pushed == row.hash and lies_at(item, row) then return 'unchanged' end
    if id.is_locked(item) then return 'locked' end
    if edited then
      if pushed == row.hash then return 'kept' end -- there is nothing new to put beside the edit
      local has_moved_bars = tonumber(id.of_item(item, 'ticks')) ~= row.ticks
      if on_edit ~= 'beside' or id.is_moved(item) or has_moved_bars then return 'kept' end
      return takes.with_content(item, row.hash) and 'kept' or 'beside'
    end
    if tonumber(id.of_item(item, 'ticks')) ~= row.ticks and takes.any_edited(item) then return 'kept' end
    return 'updated'
  end

  local function fill(project, take, row)
    local item = reaper.GetMediaItemTake_Item(take)
    local position = reaper.GetMediaItemInfo_Value(item, 'D_POSITION')
    local at = midi.scale(reaper, project, take, position, row.ticks_per_quarter)
    midi.write(reaper, take, row, at)
    reaper.GetSetMediaItemTakeInfo_String(take, 'P_NAME', string.format('%s take %d', row.name, row.take), true)
    id.mark_take(take, 'content', row.hash)
    id.mark_take(take, 'take', tostring(row.take))
    id.remember_content(take)
  end

  local function new_item(track, row)
    local item = reaper.CreateNewMIDIItemInProj(track, row.position, row.position + row.length, false)
    if not item then error(row.id .. ': REAPER made no item', 0) end
    return item
  end

  -- A further take with an empty MIDI source: that of a new item, which goes again.
  local function new_take(item, row)
    local track = reaper.GetMediaItem_Track(item)
    local helper = new_item(track, row)
    local take = reaper.AddTakeToMediaItem(item)
    local source = reaper.GetMediaItemTake_Source(reaper.GetActiveTake(helper))
    local ok = take and reaper.SetMediaItemTake_Source(take, source)
    reaper.DeleteTrackMediaItem(track, helper)
    if not ok then error(row.id .. ': REAPER made no take', 0) end
    return take
  end

  local function create(project, track, row)
    local item = new_item(track, row)
    id.mark_item(item, 'item', row.id)
    id.mark_item(item, 'content', row.hash)
    id.mark_item(item, 'ticks', tostring(row.ticks))
    reaper.SetMediaItemInfo_Value(item, 'B_LOOPSRC', 0)
    fill(project, reaper.GetActiveTake(item), row)
    id.remember_place(item)
    return item
  end

  local function update(project, item, row)
    if tonumber(id.of_item(item, 'ticks')) ~= row.ticks then -- other bars: what was there has no place any more
      local track = reaper.GetMediaItem_Track(item)
      reaper.DeleteTrackMediaItem(track, item)
      return create(project, track, row)
    end
    place(item, row)
    if id.of_item(item, 'content') == row.hash then return item end -- only its place has changed
    local take = takes.with_content(item, row.hash)
    if not take then
      take = new_take(item, row)
      fill(project, take, row)
    end
    reaper.SetActiveTake(take)
    id.mark_item(item, 'content', row.hash)
    return item
  end

  local function beside(project, item, row)
    local was = reaper.GetActiveTake(item)
    local take = new_take(item, row)
    fill(project, take, row)
    reaper.SetActiveTake(row.activate and take or was)
    id.mark_item(item, 'content', row.hash)
    return item
  end

  -- Do what was judged.
  function takes.apply(project, outcome, track, item, row)
    if outcome == 'written' then return create(project, track, row) end
    if outcome == 'updated' then return update(project, item, row) end
    if outcome == 'beside' then return beside(project, item, row) end
    return item
  end

  -- The neighbour of the active take, around the end; nil when there is only one.
  local function neighbour(item, step)
    local count = reaper.CountTakes(item)
    if count < 2 then return nil end
    local now = math.floor(reaper.GetMediaItemInfo_Value(item, 'I_CURTAKE'))
    return reaper.GetMediaItemTake(item, (now + step) % count)
  end

  -- Make the neighbouring take of each item the active one, except where it is locked. Returns the names of the
  -- takes that are heard now; nil when there was nothing to switch.
  function takes.switch(project, items, step)
    local chosen = {}
    for _, item in ipairs(items) do
      local take = not id.is_locked(item) and neighbour(item, step)
      if take then chosen[#chosen + 1] = take end
    end
    if #chosen == 0 then return nil end
    return operation.run(reaper, project, step > 0 and 'next take' or 'previous take', function()
      local names = {}
      for _, take in ipairs(chosen) do
        reaper.SetActiveTake(take)
        names[#names + 1] = reaper.GetTakeName(take)
      end
      return names
    end)
  end

  return takes
end

return M
