-- Everything that the listener and the actions share, put together.

local M = { VERSION = '0.1.0', PROTOCOL = 1 }

local ALIVE_S = 3   -- a listener that ran this lately runs
local PUMP_S = 10   -- EMSYNC's side that was seen this lately is there
local SECTION = 'EMSYNC'

-- home: folder of the scripts, with / at its end.
function M.load(home)
  local reaper = reaper
  local function part(name) return dofile(home .. 'lib/' .. name .. '.lua') end

  local lib = { home = home, version = M.VERSION, protocol = M.PROTOCOL }
  lib.json = part('json')
  lib.midi = part('midi')
  lib.operation = part('operation')
  lib.id = part('identity').new(reaper)
  lib.memory = part('memory').new(reaper, lib.json)
  lib.mailbox = part('mailbox').new(reaper, lib.json)
  lib.tempo = part('tempo').new(reaper)
  lib.markers = part('markers').new(reaper, lib.memory)
  lib.takes = part('takes').new(reaper, lib.id, lib.midi, lib.operation)
  lib.selection = part('selection').new(reaper, lib)
  lib.picture = part('picture').new(reaper, lib)
  lib.ui = part('ui').new(reaper)
  lib.apply = part('apply').new(reaper, lib)
  lib.locks = part('locks').new(reaper, lib)

  function lib.project()
    return (reaper.EnumProjects(-1, ''))
  end

  -- The listener tells the actions, through REAPER's memory, that it runs.
  function lib.seen(token)
    reaper.SetExtState(SECTION, 'listener', token .. ' ' .. string.format('%.3f', reaper.time_precise()), false)
  end

  function lib.listener_token()
    return reaper.GetExtState(SECTION, 'listener'):match('^(%S+)')
  end

  local function listener_runs()
    local time = tonumber(reaper.GetExtState(SECTION, 'listener'):match('%S+ (%S+)') or '')
    return time ~= nil and reaper.time_precise() - time < ALIVE_S
  end

  -- Start the listener unless it runs.
  function lib.ensure_listener()
    if listener_runs() then return end
    local command = reaper.AddRemoveReaScript(true, 0, home .. 'emsync_listener.lua', true)
    if command > 0 then reaper.Main_OnCommand(command, 0) end
  end

  -- Send a request of an action to EMSYNC, and say how it goes.
  function lib.ask(op, args, lasts_s, doing)
    lib.ensure_listener()
    lib.mailbox.open()
    local age = lib.mailbox.pump_age()
    lib.mailbox.request(op, args, lasts_s)
    if not age or age > PUMP_S then
      lib.ui.alert('EMSYNC does not answer. Start it with\n\n    emsync serve\n\nand what you ' ..
        'asked for is done' .. (lasts_s and ', if that is soon.' or '.'))
    else
      lib.ui.status(doing)
    end
  end

  -- Next (1) or previous (-1) take of the selected items of ours, or of all in the time selection.
  function lib.switch(step)
    local project = lib.project()
    local items = lib.selection.items(project)
    if #items == 0 then
      local chosen, why = lib.selection.read(project)
      if not chosen then return lib.ui.alert(why) end
      for _, row in ipairs(lib.selection.items_within(project, chosen.cue, chosen.from_s, chosen.to_s, chosen.parts)) do
        items[#items + 1] = row.item
      end
    end
    local names = lib.takes.switch(project, items, step)
    if not names then return lib.ui.alert('There is no other take here yet: regenerate makes one.') end
    lib.ui.status(table.concat(names, ', '))
  end

  -- Run an action; an error becomes a message, and never leaves REAPER in between.
  function lib.action(f)
    local ok, problem = xpcall(f, function(said)
      if type(said) == 'table' then return said.message end
      return debug.traceback(tostring(said), 2)
    end)
    if not ok then lib.ui.alert(problem) end
  end

  return lib
end

return M
