-- What the composer has selected, in words that EMSYNC understands.

local M = {}

function M.new(reaper, lib)
  local id, takes, memory, json = lib.id, lib.takes, lib.memory, lib.json
  local selection = {}

  function selection.items(project)
    local found = {}
    for index = 0, reaper.CountSelectedMediaItems(project) - 1 do
      local item = reaper.GetSelectedMediaItem(project, index)
      if id.of_item(item, 'item') then found[#found + 1] = item end
    end
    return found
  end

  function selection.tracks(project)
    local found = {}
    for index = 0, reaper.CountSelectedTracks(project) - 1 do
      local track = reaper.GetSelectedTrack(project, index)
      if id.of_track(track, 'track') then found[#found + 1] = track end
    end
    return found
  end

  -- [from, to) of the time selection in project seconds; nil when there is none.
  function selection.time(project)
    local from, to = reaper.GetSet_LoopTimeRange2(project, false, false, 0, 0, false)
    if to <= from then return nil end
    return from, to
  end

  local function span_of(items)
    local from, to
    for _, item in ipairs(items) do
      local a = reaper.GetMediaItemInfo_Value(item, 'D_POSITION')
      local b = a + reaper.GetMediaItemInfo_Value(item, 'D_LENGTH')
      from, to = math.min(from or a, a), math.max(to or b, b)
    end
    return from, to
  end

  local function add(list, seen, value)
    if value and not seen[value] then
      seen[value] = true
      list[#list + 1] = value
    end
  end

  -- Items of ours of a cue within [from, to): of these parts when there are any.
  function selection.items_within(project, cue, from, to, parts)
    local wanted, found = {}, {}
    for _, part in ipairs(parts) do wanted[part] = true end
    for name, item in pairs(id.items(project, cue)) do
      local a = reaper.GetMediaItemInfo_Value(item, 'D_POSITION')
      local b = a + reaper.GetMediaItemInfo_Value(item, 'D_LENGTH')
      local part = id.part_and_section(name)
      if a < to - 1e-6 and b > from + 1e-6 and (#parts == 0 or wanted[part]) then
        found[#found + 1] = { id = name, item = item }
      end
    end
    table.sort(found, function(x, y) return x.id < y.id end)
    return found
  end

  -- { cue, folder, start_s, end_s, parts, items, edited, locked, explicit }: seconds from the head of the cue; from_s
  -- and to_s are the same in project seconds.
  -- The range is the time selection, otherwise that of the selected items; parts are those of the selected items,
  -- otherwise of the selected tracks, otherwise all. nil and a reason when it says nothing.
  function selection.read(project)
    local items, tracks = selection.items(project), selection.tracks(project)
    local owner = items[1] and id.of_item(items[1], 'item') or tracks[1] and id.of_track(tracks[1], 'track')
    local cue = owner and id.cue(owner) or memory.cue(project)
    if not cue or not memory.folder(project, cue) then
      return nil, 'there is no score of EMSYNC in this project yet'
    end
    local start = memory.start(project, cue)
    local from, to = selection.time(project)
    if not from then from, to = span_of(items) end
    if not from then return nil, 'select a time range, or items of the score' end

    local parts, seen = json.list(), {}
    for _, item in ipairs(items) do
      local name = id.of_item(item, 'item')
      if id.cue(name) == cue then add(parts, seen, (id.part_and_section(name))) end
    end
    if #parts == 0 then
      for _, track in ipairs(tracks) do
        local name = id.of_track(track, 'track')
        if id.cue(name) == cue then add(parts, seen, (id.part_and_section(name))) end
      end
    end
    local said = {
      cue = cue, folder = memory.folder(project, cue), start_s = from - start, end_s = to - start, from_s = from, to_s = to,
      parts = parts,
      items = json.list(), edited = json.list(), locked = json.list(), explicit = #parts > 0,
    }
    for _, row in ipairs(selection.items_within(project, cue, from, to, parts)) do
      said.items[#said.items + 1] = row.id
      if takes.is_edited(row.item) then said.edited[#said.edited + 1] = row.id end
      if id.is_locked(row.item) then said.locked[#said.locked + 1] = row.id end
    end
    return said
  end

  return selection
end

return M
