-- What the project remembers of our cues, saved with it: folders, where each cue begins, tempo markers, markers.

local M = {}

local SECTION = 'EMSYNC'

-- A key as REAPER's project files take it: small letters, digits and _ only.
local function plain(text)
  return (text:lower():gsub('[^%w_]', '_'))
end

function M.new(reaper, json)
  local memory = { key = plain }

  function memory.get(project, key, section)
    local found, value = reaper.GetProjExtState(project, section or SECTION, key)
    return found > 0 and value ~= '' and value or nil
  end

  function memory.set(project, key, value, section)
    if memory.get(project, key, section) ~= (value ~= '' and value or nil) then
      reaper.SetProjExtState(project, section or SECTION, key, value)
    end
  end

  -- The cue that was written last.
  function memory.cue(project)
    return memory.get(project, 'cue')
  end

  function memory.folder(project, cue)
    return memory.get(project, 'folder_' .. cue)
  end

  -- All cues that were ever written into the project.
  function memory.cues(project)
    local found = {}
    for cue in (memory.get(project, 'cues') or ''):gmatch('%S+') do found[#found + 1] = cue end
    return found
  end

  -- Where a cue begins in the project, in seconds; nil when it was never written.
  function memory.start(project, cue)
    return tonumber(memory.get(project, 'start_' .. cue) or '')
  end

  function memory.remember_cue(project, cue, folder, start)
    local cues, is_new = memory.cues(project), true
    for _, known in ipairs(cues) do is_new = is_new and known ~= cue end
    if is_new then cues[#cues + 1] = cue end
    memory.set(project, 'cues', table.concat(cues, ' '))
    memory.set(project, 'cue', cue)
    memory.set(project, 'folder_' .. cue, folder)
    memory.set(project, 'start_' .. cue, string.format('%.12f', start))
  end

  -- Times of the tempo markers that we wrote.
  function memory.tempo(project, cue)
    return json.decode(memory.get(project, 'tempo_' .. cue) or '[]')
  end

  function memory.remember_tempo(project, cue, times)
    memory.set(project, 'tempo_' .. cue, json.encode(json.list(times)))
  end

  -- Our markers as we wrote them, by `memory.key(id)`: { guid, time, stop, name }.
  function memory.markers(project, cue)
    local found, index = {}, 0
    while true do
      local ok, key, value = reaper.EnumProjExtState(project, SECTION .. '_markers_' .. cue, index)
      if not ok then return found end
      found[plain(key)] = json.decode(value)
      index = index + 1
    end
  end

  function memory.remember_marker(project, cue, id, row)
    memory.set(project, plain(id), row and json.encode(row) or '', SECTION .. '_markers_' .. cue)
  end

  return memory
end

return M
