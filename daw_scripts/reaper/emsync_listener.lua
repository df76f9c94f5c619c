-- EMSYNC: listener. Waits in the background for what EMSYNC sends to this project; start it once, it stays.

local home = debug.getinfo(1, 'S').source:match('^@(.*[/\\])')
local lib = dofile(home .. 'lib/emsync.lua').load(home)
local reaper, box, json, ui = reaper, lib.mailbox, lib.json, lib.ui

local LOOK_S = 0.1      -- how often the mailbox is looked into
local BEAT_S = 1.0      -- how often the heartbeat is written
local SLICE_S = 0.008   -- longest piece of reading between two redraws of REAPER
local WATCHDOG_S = 30   -- a message that is not done by then is given up
local UNHEARD_S = 5     -- how often requests that nobody takes are looked for
local REMEMBERED = 64   -- answers kept for messages that come twice

local ACTIONS = {
  'emsync_score_picture', 'emsync_regenerate', 'emsync_next_take', 'emsync_previous_take', 'emsync_lock',
  'emsync_change_mood', 'emsync_send_markers', 'emsync_listener',
}

local token = box.new_id()
local beats, last_beat, last_look, last_unheard = 0, -math.huge, -math.huge, -math.huge
local job              -- the message that is being read: id, op, thread, started
local answers, order = {}, {}
local commands = {}    -- action name -> _NAMED id, for OSC

-- ---------------------------------------------------------------------------------------------------- operations

local function project_said()
  local project, path = reaper.EnumProjects(-1, '')
  local cue = lib.memory.cue(project)
  return {
    name = reaper.GetProjectName(project, ''), path = path, cue = cue,
    folder = cue and lib.memory.folder(project, cue), start_s = cue and lib.memory.start(project, cue),
    changes = reaper.GetProjectStateChangeCount(project),
  }
end

local function head_of(project, cue)
  local start = cue and lib.memory.start(project, cue)
  return start or 0
end

local function transport_state(project, cue)
  local playing = reaper.GetPlayStateEx(project) & 1 == 1
  local now = playing and reaper.GetPlayPositionEx(project) or reaper.GetCursorPositionEx(project)
  return { playing = playing, seconds = now - head_of(project, cue) }
end

local OPERATIONS = {
  hello = function()
    return { application = reaper.GetAppVersion(), version = lib.version, protocol = lib.protocol,
             project = project_said(), commands = commands }
  end,

  score = function(args) return lib.apply.score(args, coroutine.yield) end,

  selection = function()
    local said, why = lib.selection.read(lib.project())
    if not said then lib.operation.refuse('nothing_selected', why) end
    return said
  end,

  transport = function(args)
    local project = lib.project()
    if args.command == 'play' then
      reaper.OnPlayButtonEx(project)
    elseif args.command == 'stop' then
      reaper.OnStopButtonEx(project)
    elseif args.command == 'locate' then
      reaper.SetEditCurPos2(project, head_of(project, args.cue) + args.seconds, true, true)
    end
    return transport_state(project, args.cue)
  end,

  -- How a request of an action goes on.
  progress = function(args)
    ui.status(string.format('%s %d%%', args.stage, math.floor(args.done * 100 + 0.5)))
    return {}
  end,

  answer = function(args)
    if args.ok then ui.status(args.message) else ui.note(args.message) end
    return {}
  end,
}

-- ---------------------------------------------------------------------------------------------------- messages

local function reply(id, answer)
  if not answers[id] then
    order[#order + 1] = id
    if #order > REMEMBERED then answers[table.remove(order, 1)] = nil end
  end
  answers[id] = answer
  box.reply(id, answer)
end

local function failed(code, message)
  return { ok = false, error = { code = code, message = message } }
end

local function perform(message)
  if answers[message.id] then return answers[message.id] end
  if message.v ~= lib.protocol then
    return failed('other_version', 'the scripts in REAPER speak version ' .. lib.protocol ..
      '; run emsync reaper install and start REAPER again')
  end
  if message.deadline and os.time() > message.deadline then return failed('expired', 'the message came too late') end
  local operation = OPERATIONS[message.op]
  if not operation then return failed('no_such_operation', 'there is no operation ' .. tostring(message.op)) end
  job.op = message.op
  local ok, said = xpcall(operation, function(problem)
    return type(problem) == 'table' and problem or { code = 'error', message = tostring(problem) }
  end, message.args or {})
  if ok then return { ok = true, result = said } end
  return failed(said.code, said.message)
end

local function is_id(text)
  return type(text) == 'string' and #text <= 80 and text:match('^[%w_.:-]+$') ~= nil
end

local function begin(name)
  local text, why = box.take(name)
  if not text then
    if why then ui.note(why) end
    return
  end
  job = { id = name:match('^%d+%-(.+)%.json$'), started = reaper.time_precise() }
  job.thread = coroutine.create(function()
    local message = json.decode(text, coroutine.yield)
    if type(message) ~= 'table' or not is_id(message.id) then error('a message without an id', 0) end
    job.id, job.quiet = message.id, message.quiet
    local answer = perform(message)
    if not job.quiet then reply(message.id, answer) end
  end)
end

local function give_up(code, message)
  if is_id(job.id) and not job.quiet then reply(job.id, failed(code, message)) end
  job = nil
end

-- Go on with the message at hand for a moment.
local function go_on()
  local until_s = reaper.time_precise() + SLICE_S
  repeat
    local ok, problem = coroutine.resume(job.thread)
    if not ok then
      give_up('bad_message', tostring(problem))
    elseif coroutine.status(job.thread) == 'dead' then
      job = nil
    elseif reaper.time_precise() - job.started > WATCHDOG_S then
      give_up('timeout', 'reading the message took too long')
    end
  until not job or reaper.time_precise() >= until_s
end

-- ---------------------------------------------------------------------------------------------------- life

local function beat(state)
  beats = beats + 1
  box.heartbeat({
    v = lib.protocol, version = lib.version, time = os.time(), beat = beats, state = state or (job and 'busy' or 'idle'),
    doing = job and job.op or nil, listener = token, application = reaper.GetAppVersion(), project = project_said(),
    commands = commands,
  })
end

local function say_unheard()
  local age, index, count = box.pump_age(), 0, 0
  if age and age <= WATCHDOG_S then return end
  reaper.EnumerateFiles(box.root .. '/out', -1)
  while true do
    local name = reaper.EnumerateFiles(box.root .. '/out', index)
    if not name then break end
    if name:match('%.request%.json$') then count = count + 1 end
    index = index + 1
  end
  if count > 0 then ui.status(count .. ' requests wait for emsync serve') end
end

local function due(last, every)
  return reaper.time_precise() - last >= every
end

local function look()
  lib.seen(token)
  if due(last_beat, BEAT_S) then
    last_beat = reaper.time_precise()
    beat()
  end
  if not job and due(last_look, LOOK_S) then
    last_look = reaper.time_precise()
    local name = box.waiting()[1]
    if name then begin(name) end
  end
  if job then go_on() end
  if due(last_unheard, UNHEARD_S) then
    last_unheard = reaper.time_precise()
    say_unheard()
  end
end

local said_last
local function run()
  if lib.listener_token() ~= token then return end -- another listener has taken over
  local ok, problem = xpcall(look, debug.traceback)
  if not ok then
    job = nil
    if problem ~= said_last then ui.note(tostring(problem)) end
    said_last = problem
  end
  reaper.defer(run)
end

local function register_actions()
  for index, name in ipairs(ACTIONS) do
    local command = reaper.AddRemoveReaScript(true, 0, home .. name .. '.lua', index == #ACTIONS)
    local named = command > 0 and reaper.ReverseNamedCommandLookup(command)
    if named then commands[name] = '_' .. named end
  end
end

if reaper.APIExists('set_action_options') then reaper.set_action_options(1) end -- a second start replaces the first
box.open()
lib.seen(token)
register_actions()
reaper.atexit(function()
  if lib.listener_token() == token then beat('closed') end
end)
run()
