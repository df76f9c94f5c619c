-- Who is who: tracks, items and takes of ours carry their ids in P_EXT, whatever the composer names or moves.

local M = {}

local PREFIX = 'P_EXT:emsync_'

function M.new(reaper)
  local id = {}

  local function getter(call)
    return function(object, key)
      local ok, value = call(object, PREFIX .. key, '', false)
      return ok and value ~= '' and value or nil
    end
  end

  local function setter(call)
    return function(object, key, value)
      call(object, PREFIX .. key, value, true)
    end
  end

  id.of_track = getter(reaper.GetSetMediaTrackInfo_String)
  id.of_item = getter(reaper.GetSetMediaItemInfo_String)
  id.of_take = getter(reaper.GetSetMediaItemTakeInfo_String)
  id.mark_track = setter(reaper.GetSetMediaTrackInfo_String)
  id.mark_item = setter(reaper.GetSetMediaItemInfo_String)
  id.mark_take = setter(reaper.GetSetMediaItemTakeInfo_String)

  -- The cue that an id such as 3f2a9c01b7de:strings:s2 belongs to.
  function id.cue(name)
    return name:match('^([^:]*)')
  end

  -- Its part and section.
  function id.part_and_section(name)
    return name:match('^[^:]*:([^:]*):?(.*)$')
  end

  -- What was written into a take: it changes when the composer changes notes or controllers.
  function id.hash(take)
    local ok, hash = reaper.MIDI_GetHash(take, false, '')
    return ok and hash or ''
  end

  -- Whether a take is ours and has been changed by hand since.
  function id.is_edited(take)
    local written = id.of_take(take, 'hash')
    return written ~= nil and written ~= id.hash(take)
  end

  local function place(item)
    return string.format('%.9f %.9f', reaper.GetMediaItemInfo_Value(item, 'D_POSITION'),
      reaper.GetMediaItemInfo_Value(item, 'D_LENGTH'))
  end

  function id.remember_place(item)
    id.mark_item(item, 'place', place(item))
  end

  local function numbers(text)
    local position, length = (text or ''):match('^(%S+) (%S+)$')
    return tonumber(position), tonumber(length)
  end

  -- Whether the composer has moved, trimmed or split an item of ours.
  function id.is_moved(item)
    local position, length = numbers(id.of_item(item, 'place'))
    if not position then return false end
    local here, long = numbers(place(item))
    return math.abs(here - position) > 1e-6 or math.abs(long - length) > 1e-6
  end

  function id.is_locked(item)
    return id.of_item(item, 'locked') == '1' or reaper.GetMediaItemInfo_Value(item, 'C_LOCK') % 2 == 1
  end

  -- Tracks of a cue by id. Of several with one id (a copied track) the first one counts.
  function id.tracks(project, cue)
    local found = {}
    for index = 0, reaper.CountTracks(project) - 1 do
      local track = reaper.GetTrack(project, index)
      local name = id.of_track(track, 'track')
      if name and id.cue(name) == cue and not found[name] then found[name] = track end
    end
    return found
  end

  -- Items of a cue by id. A copy or the other half of a split item has the same id: the one that lies where
  -- it was written is the item, the others are the composer's.
  function id.items(project, cue)
    local found, doubles = {}, {}
    for index = 0, reaper.CountMediaItems(project) - 1 do
      local item = reaper.GetMediaItem(project, index)
      local name = id.of_item(item, 'item')
      if name and id.cue(name) == cue then
        if not found[name] then
          found[name] = item
        else
          if id.is_moved(found[name]) and not id.is_moved(item) then found[name], item = item, found[name] end
          doubles[#doubles + 1] = item
        end
      end
    end
    return found, doubles
  end

  return id
end

return M
