-- JSON text to Lua values and back. Objects and lists become tables; null is left out; whole numbers stay whole.

local M = {}

local DEPTH = 64          -- nesting that is read
local PAUSE_EVERY = 2000  -- values between two calls of `pause`
local LIST = {}           -- metatable that marks a table as a list, also when it is empty

local ESCAPES = { ['"'] = '"', ['\\'] = '\\', ['/'] = '/', b = '\b', f = '\f', n = '\n', r = '\r', t = '\t' }
local NAMES = { ['"'] = '\\"', ['\\'] = '\\\\', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t' }
local WORDS = { ['true'] = true, ['false'] = false }

-- A list that is written as [] when it has nothing in it.
function M.list(values)
  return setmetatable(values or {}, LIST)
end

-- ---------------------------------------------------------------------------------------------------- reading

local function wrong(text, at, what)
  error(string.format('JSON: %s at byte %d near %q', what, at, text:sub(at, at + 20)), 0)
end

local function code_point(text, at)
  local digits = text:match('^%x%x%x%x', at)
  if not digits then wrong(text, at, 'a \\u needs four digits') end
  return tonumber(digits, 16), at + 4
end

local function escaped(text, at)
  local sign = text:sub(at, at)
  if sign ~= 'u' then
    if not ESCAPES[sign] then wrong(text, at, 'unknown escape') end
    return ESCAPES[sign], at + 1
  end
  local code, after = code_point(text, at + 1)
  if code >= 0xD800 and code < 0xDC00 and text:sub(after, after + 1) == '\\u' then
    local low, beyond = code_point(text, after + 2)
    if low >= 0xDC00 and low < 0xE000 then
      return utf8.char(0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00)), beyond
    end
  end
  if code >= 0xD800 and code < 0xE000 then return '?', after end -- half of a pair
  return utf8.char(code), after
end

local function read_string(text, at)
  local pieces, start = {}, at + 1
  while true do
    local stop = text:find('["\\]', start)
    if not stop then wrong(text, at, 'a text without an end') end
    pieces[#pieces + 1] = text:sub(start, stop - 1)
    if text:byte(stop) == 34 then return table.concat(pieces), stop + 1 end
    pieces[#pieces + 1], start = escaped(text, stop + 1)
  end
end

local function skip(text, at)
  return text:find('[^ \t\r\n]', at) or #text + 1
end

-- The value of a JSON text. `pause` is called every now and then, so that a long text can be read in slices.
function M.decode(text, pause)
  local count = 0
  local value

  local function list(at, depth)
    local values, n = M.list(), 0
    at = skip(text, at + 1)
    if text:sub(at, at) == ']' then return values, at + 1 end
    while true do
      n = n + 1
      values[n], at = value(at, depth)
      at = skip(text, at)
      local sign = text:byte(at)
      if sign == 93 then return values, at + 1 end
      if sign ~= 44 then wrong(text, at, 'a list goes on with , or ]') end
      at = skip(text, at + 1)
    end
  end

  local function object(at, depth)
    local values, key = {}, nil
    at = skip(text, at + 1)
    if text:sub(at, at) == '}' then return values, at + 1 end
    while true do
      if text:byte(at) ~= 34 then wrong(text, at, 'a key is a text') end
      key, at = read_string(text, at)
      at = skip(text, at)
      if text:byte(at) ~= 58 then wrong(text, at, 'a key is followed by :') end
      values[key], at = value(skip(text, at + 1), depth)
      at = skip(text, at)
      local sign = text:byte(at)
      if sign == 125 then return values, at + 1 end
      if sign ~= 44 then wrong(text, at, 'an object goes on with , or }') end
      at = skip(text, at + 1)
    end
  end

  function value(at, depth)
    count = count + 1
    if pause and count % PAUSE_EVERY == 0 then pause() end
    if depth > DEPTH then wrong(text, at, 'too deep') end
    local sign = text:sub(at, at)
    if sign == '{' then return object(at, depth + 1) end
    if sign == '[' then return list(at, depth + 1) end
    if sign == '"' then return read_string(text, at) end
    local number = text:match('^-?%d+%.?%d*[eE]?[+-]?%d*', at)
    if number and tonumber(number) then return tonumber(number), at + #number end
    local word = text:match('^%a+', at)
    if word == 'null' then return nil, at + 4 end
    if WORDS[word] == nil then wrong(text, at, 'no value') end
    return WORDS[word], at + #word
  end

  local found, at = value(skip(text, 1), 0)
  at = skip(text, at)
  if at <= #text then wrong(text, at, 'something after the end') end
  return found
end

-- ---------------------------------------------------------------------------------------------------- writing

local function quoted(text)
  if not utf8.len(text) then text = text:gsub('[\128-\255]', '?') end
  return '"' .. text:gsub('[%c"\\]', function(c) return NAMES[c] or string.format('\\u%04x', c:byte()) end) .. '"'
end

local function number(value)
  if math.type(value) == 'integer' then return tostring(value) end
  if value ~= value or value == math.huge or value == -math.huge then error('JSON: no finite number', 0) end
  local text = string.format('%.17g', value):gsub(',', '.') -- some systems write a decimal comma
  return text
end

local function is_list(value)
  return getmetatable(value) == LIST or #value > 0
end

local function sorted_keys(value)
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

-- A value as JSON text; keys are sorted, so that equal values give equal texts.
function M.encode(value)
  local kind = type(value)
  if kind == 'string' then return quoted(value) end
  if kind == 'number' then return number(value) end
  if kind == 'boolean' then return tostring(value) end
  if kind == 'nil' then return 'null' end
  if kind ~= 'table' then error('JSON: a ' .. kind .. ' cannot be written', 0) end
  local parts = {}
  if is_list(value) then
    for index = 1, #value do parts[index] = M.encode(value[index]) end
    return '[' .. table.concat(parts, ',') .. ']'
  end
  for index, key in ipairs(sorted_keys(value)) do parts[index] = quoted(key) .. ':' .. M.encode(value[key]) end
  return '{' .. table.concat(parts, ',') .. '}'
end

return M
