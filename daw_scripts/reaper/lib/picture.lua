-- What REAPER knows of the picture: video items, markers of the composer's, the time selection, rate and timecode.

local M = {}

function M.new(reaper, lib)
  local tempo, markers, memory, json, selection = lib.tempo, lib.markers, lib.memory, lib.json, lib.selection
  local picture = {}

  local function video_of(item)
    local take = reaper.GetActiveTake(item)
    local track = reaper.GetMediaItem_Track(item)
    local muted = reaper.GetMediaItemInfo_Value(item, 'B_MUTE') ~= 0
        or reaper.GetMediaTrackInfo_Value(track, 'B_MUTE') ~= 0
    if muted or tempo.source_type(item) ~= 'VIDEO' then return nil end
    local source = reaper.GetMediaItemTake_Source(take)
    return {
      file = reaper.GetMediaSourceFileName(reaper.GetMediaSourceParent(source) or source, ''),
      name = reaper.GetTakeName(take),
      position_s = reaper.GetMediaItemInfo_Value(item, 'D_POSITION'),
      length_s = reaper.GetMediaItemInfo_Value(item, 'D_LENGTH'),
      source_s = reaper.GetMediaItemTakeInfo_Value(take, 'D_STARTOFFS'),
      speed = reaper.GetMediaItemTakeInfo_Value(take, 'D_PLAYRATE'),
      track = math.floor(reaper.GetMediaTrackInfo_Value(track, 'IP_TRACKNUMBER')),
    }
  end

  function picture.videos(project)
    local found = json.list()
    for index = 0, reaper.CountMediaItems(project) - 1 do
      local row = video_of(reaper.GetMediaItem(project, index))
      if row then found[#found + 1] = row end
    end
    return found
  end

  -- Markers and regions that EMSYNC did not write.
  function picture.markers(project)
    local ours = markers.ours(project, memory.cues(project))
    local found = json.list()
    for _, row in ipairs(markers.all(project)) do
      if not ours[row.guid] then
        found[#found + 1] = { name = row.name, time_s = row.time, end_s = row.stop, is_region = row.is_region }
      end
    end
    return found
  end

  function picture.read(project)
    local rate, is_drop = reaper.TimeMap_curFrameRate(project)
    local _, path = reaper.EnumProjects(-1, '')
    local cue = memory.cue(project)
    local from, to = selection.time(project)
    return {
      rate = rate, drop_frame = is_drop, offset_s = reaper.GetProjectTimeOffset(project, false),
      length_s = reaper.GetProjectLength(project), path = path, name = reaper.GetProjectName(project, ''),
      home = reaper.GetProjectPath(''), videos = picture.videos(project), markers = picture.markers(project),
      from_s = from, to_s = to, cue = cue, folder = cue and memory.folder(project, cue),
    }
  end

  return picture
end

return M
