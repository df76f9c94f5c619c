-- EMSYNC: score this project's picture (video items, markers, time selection)

local home = debug.getinfo(1, 'S').source:match('^@(.*[/\\])')
local lib = dofile(home .. 'lib/emsync.lua').load(home)

lib.action(function()
  local seen = lib.picture.read(lib.project())
  if #seen.videos == 0 and #seen.markers == 0 then
    return lib.ui.alert('There is no picture in this project: no video item that is not muted, and no marker to hit.')
  end
  lib.ask('score_picture', seen, 3600, 'scoring the picture ...')
end)
