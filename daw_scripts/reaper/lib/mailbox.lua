-- The mailbox: a folder below REAPER's resource path through which REAPER and EMSYNC talk.
--   in/    messages to REAPER, one JSON file each, in the order of their names
--   out/   answers (ID.reply.json) and requests (ID.request.json) from REAPER
--   heartbeat.json   written every second while the listener runs;  pump.json   the same for the other side
-- A message is written under another name and renamed, so nobody ever reads half of one.

local M = {}

local MAX_BYTES = 32 * 1024 * 1024
local TEMPORARY = '.tmp'
local MISSED = 3 -- heartbeats that may fail in a row

function M.new(reaper, json)
  local box = { root = reaper.GetResourcePath() .. '/Data/EMSYNC/mailbox' }
  local sent, missed = 0, 0

  function box.open()
    for _, name in ipairs({ '/in', '/out' }) do reaper.RecursiveCreateDirectory(box.root .. name, 0) end
  end

  -- Write a file as a whole. An older one of that name is replaced.
  local function write(path, text)
    local aside = path .. TEMPORARY
    local file, why = io.open(aside, 'wb')
    if not file then error('the mailbox cannot be written: ' .. tostring(why), 0) end
    local written = file:write(text)
    local closed = file:close()
    if not (written and closed) then error('the mailbox cannot be written: is the disk full?', 0) end
    os.remove(path) -- Windows does not rename onto a file
    local ok, problem = os.rename(aside, path)
    if not ok then error('the mailbox cannot be written: ' .. tostring(problem), 0) end
  end

  function box.read(path)
    local file = io.open(path, 'rb')
    if not file then return nil end
    local size = file:seek('end')
    if size > MAX_BYTES then
      file:close()
      return nil, 'the message is too long'
    end
    file:seek('set')
    local text = file:read('a')
    file:close()
    return text
  end

  -- Names of the waiting messages, the oldest first.
  function box.waiting()
    local folder, names = box.root .. '/in', {}
    reaper.EnumerateFiles(folder, -1) -- look again: REAPER remembers listings
    local index = 0
    while true do
      local name = reaper.EnumerateFiles(folder, index)
      if not name then break end
      if name:sub(-5) == '.json' and name:sub(1, 1) ~= '.' then names[#names + 1] = name end
      index = index + 1
    end
    table.sort(names)
    return names
  end

  -- The text of a waiting message, which is gone from the box afterwards.
  function box.take(name)
    local path = box.root .. '/in/' .. name
    local text, why = box.read(path)
    os.remove(path)
    return text, why
  end

  function box.reply(id, answer)
    answer.v, answer.id = 1, id
    write(box.root .. '/out/' .. id .. '.reply.json', json.encode(answer))
  end

  function box.new_id()
    sent = sent + 1
    local guid = reaper.genGuid(''):gsub('[^%w]', '')
    return string.format('reaper-%s-%d', guid, sent)
  end

  -- Ask EMSYNC for something; the answer comes as a message to the listener.
  function box.request(op, args, lasts_s)
    local id = box.new_id()
    local asked = { v = 1, id = id, op = op, args = args, time = os.time() }
    if lasts_s then asked.deadline = os.time() + lasts_s end
    write(box.root .. '/out/' .. id .. '.request.json', json.encode(asked))
    return id
  end

  function box.is_waiting_for_pump(id)
    local file = io.open(box.root .. '/out/' .. id .. '.request.json', 'rb')
    if file then file:close() end
    return file ~= nil
  end

  function box.withdraw(id)
    os.remove(box.root .. '/out/' .. id .. '.request.json')
  end

  -- Written over and over: on Windows it may be open in the other program at just that moment, and waits a second.
  function box.heartbeat(values)
    local ok, problem = pcall(write, box.root .. '/heartbeat.json', json.encode(values))
    missed = ok and 0 or missed + 1
    if missed > MISSED then error(problem, 0) end
  end

  -- Seconds since EMSYNC's side was last seen; nil when it never was or has said goodbye.
  function box.pump_age()
    local text = box.read(box.root .. '/pump.json')
    local ok, said = pcall(json.decode, text or '')
    if not ok or type(said) ~= 'table' or said.state == 'closed' or type(said.time) ~= 'number' then return nil end
    return os.time() - said.time
  end

  return box
end

return M
