-- What the composer is told. Nothing here waits, except for a message that answers a click.

local M = {}

local TITLE = 'EMSYNC'

function M.new(reaper)
  local ui = {}

  -- A line at the foot of REAPER's window.
  function ui.status(text)
    reaper.Help_Set(TITLE .. ': ' .. text, true)
  end

  -- A message for somebody who has just called an action.
  function ui.alert(text)
    reaper.ShowMessageBox(text, TITLE, 0)
  end

  -- A message that comes by itself: in the console, which may stay open beside the work.
  function ui.note(text)
    reaper.ShowConsoleMsg(TITLE .. ': ' .. text .. '\n')
  end

  -- A line of text from the composer; nil when cancelled or empty. The question has no comma: REAPER splits it there.
  function ui.ask(question, proposal)
    local ok, answer = reaper.GetUserInputs(TITLE, 1, question .. ',extrawidth=160,separator=|', proposal or '')
    answer = ok and answer:match('^%s*(.-)%s*$') or ''
    return answer ~= '' and answer or nil
  end

  return ui
end

return M
