-- Who is who: tracks, items and takes of ours carry their ids in P_EXT, whatever the composer names or moves.

local M = {}

local PREFIX = 'P_EXT:emsync_'
local SELECTED = 1 -- flag of a MIDI event
local FNV_OFFSET, FNV_PRIME = 0xcbf29ce484222325, 0x100000001b3

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

  -- REAPER's own hash of a take: it changes when the composer changes notes or controllers.
  function id.hash(take)
    local ok, hash = reaper.MIDI_GetHash(take, false, '')
    return ok and hash or ''
  end

  -- Notes and controllers of a take as 16 hex digits. Unlike REAPER's hash it does not change when notes are selected,
  -- when events of one moment change places, or when the project is loaded again.
  function id.content(take)
    local ok, buffer = reaper.MIDI_GetAllEvts(take, '')
    local rows, at, tick = {}, 1, 0
    while ok and at <= #buffer do
      local offset, flags, message
      offset, flags, message, at = string.unpack('<i4Bs4', buffer, at)
      tick = tick + offset
      local kind = #message > 0 and message:byte(1) & 0xF0 or 0xF0
      local is_end = kind == 0xB0 and message:byte(2) == 123
      if kind == 0x90 and message:byte(3) == 0 then kind = 0x80 end
      if kind == 0x80 then message = string.char(kind | message:byte(1) & 0x0F, message:byte(2)) end
      if kind < 0xF0 and not is_end then rows[#rows + 1] = string.pack('>I8B', tick, flags & ~SELECTED) .. message end
    end
    table.sort(rows)
    local hash = FNV_OFFSET
    for _, row in ipairs(rows) do
      for index = 1, #row do hash = (hash ~ row:byte(index)) * FNV_PRIME end
    end
    return string.format('%016x', hash)
  end

  -- Remember what has just been written into a take.
  function id.remember_content(take)
    id.mark_take(take, 'hash', id.hash(take))
    id.mark_take(take, 'notes', id.content(take))
  end

  -- Whether a take is ours and has been changed by hand since. REAPER's hash is quick to ask for; when it differs, the
  -- notes themselves decide.
  function id.is_edited(take)
    local written = id.of_take(take, 'hash')
    return written ~= nil and written ~= id.hash(take) and id.of_take(take, 'notes') ~= id.content(take)
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
