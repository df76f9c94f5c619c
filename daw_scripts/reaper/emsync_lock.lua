-- EMSYNC: lock the selected items or tracks, or unlock them

local home = debug.getinfo(1, 'S').source:match('^@(.*[/\\])')
local lib = dofile(home .. 'lib/emsync.lua').load(home)

lib.action(function()
  local locked, rows = lib.locks.toggle(lib.project(), lib.selection)
  if locked == nil then return lib.ui.alert('Select items or tracks of the score.') end
  local folder = lib.memory.folder(lib.project(), rows[1].cue)
  lib.ask(locked and 'lock' or 'unlock', { folder = folder, rows = rows }, nil, locked and 'locked' or 'unlocked')
end)
