-- EMSYNC: change the mood of the selection ...

local home = debug.getinfo(1, 'S').source:match('^@(.*[/\\])')
local lib = dofile(home .. 'lib/emsync.lua').load(home)

lib.action(function()
  local chosen, why = lib.selection.read(lib.project())
  if not chosen then return lib.ui.alert(why) end
  chosen.mood = lib.ui.ask('Mood (a word or numbers such as -0.4;0.7)', 'tense')
  if not chosen.mood then return end
  lib.ask('regenerate', chosen, 600, 'composing another take, ' .. chosen.mood .. ' ...')
end)
