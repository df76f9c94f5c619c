-- Locks: what they cover stays as it is, in REAPER and in the score.

local M = {}

function M.new(reaper, lib)
  local id, operation = lib.id, lib.operation
  local locks = {}

  local function items_of(project, chosen, tracks)
    if #chosen > 0 then return chosen end
    local found = {}
    for _, track in ipairs(tracks) do
      for index = 0, reaper.CountTrackMediaItems(track) - 1 do
        local item = reaper.GetTrackMediaItem(track, index)
        if id.of_item(item, 'item') then found[#found + 1] = item end
      end
    end
    return found
  end

  -- Lock the selected items, or all items of the selected tracks; unlock them when all of them are locked.
  -- Returns whether they are locked now, and which (part, section) they are; nil when nothing of ours is selected.
  function locks.toggle(project, selection)
    local items = items_of(project, selection.items(project), selection.tracks(project))
    if #items == 0 then return nil end
    local all_locked = true
    for _, item in ipairs(items) do all_locked = all_locked and id.is_locked(item) end
    local rows = lib.json.list()
    operation.run(reaper, project, all_locked and 'unlock' or 'lock', function()
      for _, item in ipairs(items) do
        id.mark_item(item, 'locked', all_locked and '' or '1')
        reaper.SetMediaItemInfo_Value(item, 'C_LOCK', all_locked and 0 or 1)
        local name = id.of_item(item, 'item')
        local part, section = id.part_and_section(name)
        rows[#rows + 1] = { cue = id.cue(name), part = part, section = section }
      end
    end)
    return not all_locked, rows
  end

  return locks
end

return M
