-- EMSYNC: send markers as hits (those in the time selection, or all), and score again

local home = debug.getinfo(1, 'S').source:match('^@(.*[/\\])')
local lib = dofile(home .. 'lib/emsync.lua').load(home)

lib.action(function()
  local project = lib.project()
  local seen = lib.picture.read(project)
  local hits = lib.json.list()
  for _, row in ipairs(seen.markers) do
    local inside = not seen.from_s or (row.time_s >= seen.from_s and row.time_s < seen.to_s)
    if not row.is_region and inside then hits[#hits + 1] = row end
  end
  if #hits == 0 then return lib.ui.alert('There is no marker of yours to send.') end
  seen.hits = hits
  seen.from_s, seen.to_s = nil, nil -- the selection says which markers, not which picture
  lib.ask('send_markers', seen, 3600, string.format('%d markers become hits ...', #hits))
end)
