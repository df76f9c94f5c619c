-- Hits and the end as markers, sections as regions. A marker of ours is known by its GUID; one that the composer has
-- moved, renamed or deleted stays as the composer left it.

local M = {}

local NEAR_S = 1e-6
local CUSTOM = 0x1000000 -- flag of a colour that is set

function M.new(reaper, memory)
  local markers = {}

  -- Every marker and region of the project: index, guid, number, is_region, time, stop, name.
  function markers.all(project)
    local found, index = {}, 0
    while true do
      local count, is_region, time, stop, name, number = reaper.EnumProjectMarkers3(project, index)
      if count == 0 then return found end
      local _, guid = reaper.GetSetProjectInfo_String(project, 'MARKER_GUID:' .. index, '', false)
      found[#found + 1] = {
        index = index, guid = guid, number = number, is_region = is_region, time = time,
        stop = is_region and stop or time, name = name,
      }
      index = index + 1
    end
  end

  local function same(a, b)
    return math.abs(a.time - b.time) < NEAR_S and math.abs(a.stop - b.stop) < NEAR_S and a.name == b.name
  end

  -- GUIDs of the markers that are ours, of whichever cue.
  function markers.ours(project, cues)
    local guids = {}
    for _, cue in ipairs(cues) do
      for _, row in pairs(memory.markers(project, cue)) do guids[row.guid] = true end
    end
    return guids
  end

  -- What has to be done: `drop` (indices), `add` (wanted rows), `forget` (ids), and how many stay as they are.
  function markers.plan(project, cue, wanted)
    local known, there = memory.markers(project, cue), {}
    for _, row in ipairs(markers.all(project)) do there[row.guid] = row end
    local any_left = false
    for _, row in pairs(known) do any_left = any_left or there[row.guid] ~= nil end

    local todo = { drop = {}, add = {}, forget = {}, kept = 0, unchanged = 0 }
    local asked = {}
    for _, row in ipairs(wanted) do
      local key = memory.key(row.id)
      asked[key] = true
      local written = known[key]
      local found = written and there[written.guid]
      if not written or (not found and not any_left) then
        todo.add[#todo.add + 1] = row
      elseif not found or not same(found, written) then
        todo.kept = todo.kept + 1
      elseif same(found, row) then
        todo.unchanged = todo.unchanged + 1
      else
        todo.drop[#todo.drop + 1] = found.index
        todo.add[#todo.add + 1] = row
      end
    end
    for id, written in pairs(known) do
      if not asked[id] then
        local found = there[written.guid]
        if found and same(found, written) then todo.drop[#todo.drop + 1] = found.index end
        todo.forget[#todo.forget + 1] = id
      end
    end
    table.sort(todo.drop)
    table.sort(todo.forget)
    return todo
  end

  local function native(colour)
    return reaper.ColorToNative(colour >> 16 & 255, colour >> 8 & 255, colour & 255) | CUSTOM
  end

  function markers.apply(project, cue, todo)
    for at = #todo.drop, 1, -1 do reaper.DeleteProjectMarkerByIndex(project, todo.drop[at]) end
    for _, id in ipairs(todo.forget) do memory.remember_marker(project, cue, id, nil) end
    local added = {}
    for _, row in ipairs(todo.add) do
      local is_region = row.stop > row.time
      local number = reaper.AddProjectMarker2(project, is_region, row.time, row.stop, row.name, -1, native(row.colour))
      if number < 0 then error('REAPER did not take the marker ' .. row.name, 0) end
      added[tostring(is_region) .. number] = row
    end
    for _, found in ipairs(#todo.add > 0 and markers.all(project) or {}) do
      local row = added[tostring(found.is_region) .. found.number]
      if row then
        memory.remember_marker(project, cue, row.id,
          { guid = found.guid, time = found.time, stop = found.stop, name = found.name })
      end
    end
  end

  return markers
end

return M
