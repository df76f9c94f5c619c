-- EMSYNC: regenerate the time selection (selected items or tracks are the parts)

local home = debug.getinfo(1, 'S').source:match('^@(.*[/\\])')
local lib = dofile(home .. 'lib/emsync.lua').load(home)

lib.action(function()
  local chosen, why = lib.selection.read(lib.project())
  if not chosen then return lib.ui.alert(why) end
  lib.ask('regenerate', chosen, 600, 'composing another take ...')
end)
