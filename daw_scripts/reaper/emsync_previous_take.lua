-- EMSYNC: previous take of the selected items (or of the time selection)

local home = debug.getinfo(1, 'S').source:match('^@(.*[/\\])')
local lib = dofile(home .. 'lib/emsync.lua').load(home)

lib.action(function()
  lib.switch(-1)
end)
