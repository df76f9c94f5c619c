-- One change of the project: one undo step, one redraw, and nothing half done when something goes wrong.

local M = {}

-- Run f within one undo block. An error inside closes the block, takes back what was done, and is raised again.
function M.run(reaper, project, name, f)
  local title = 'EMSYNC: ' .. name
  reaper.Undo_BeginBlock2(project)
  reaper.PreventUIRefresh(1)
  local ok, answer = xpcall(f, function(problem)
    return type(problem) == 'table' and problem or tostring(problem)
  end)
  if not ok then title = title .. ' (not done)' end -- a name that no earlier step has
  reaper.PreventUIRefresh(-1)
  reaper.Undo_EndBlock2(project, title, -1)
  if not ok and reaper.Undo_CanUndo2(project) == title then reaper.Undo_DoUndo2(project) end
  reaper.UpdateTimeline()
  reaper.UpdateArrange()
  if not ok then error(answer, 0) end
  return answer
end

-- An error with a code that the other side understands.
function M.refuse(code, message)
  error({ code = code, message = message }, 0)
end

return M
