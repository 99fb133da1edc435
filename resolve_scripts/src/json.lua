-- JSON as RFC 8259 has it, strictly: UTF-8 in, UTF-8 out, nothing of JavaScript, no trailing commas.
--
-- Conventions: an object is a table with text keys, an array a table made by `json.array` or with element 1,
-- null is `json.null`. Numbers are doubles, written with 17 digits so that they read back the same.

local json = {}

json.null = setmetatable({}, { __tostring = function() return "null" end })

local Array = {}
local DEEPEST = 100 -- levels: a hostile file must not use up the stack

function json.array(list)
    return setmetatable(list or {}, Array)
end

-- --- reading ---------------------------------------------------------------------------------------------

local ESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local read_value

local function stop(at, what)
    error({ json = true, message = ("no JSON at byte %d: %s"):format(at, what) }, 0)
end

local function skip(text, at)
    return text:find("[^ \t\r\n]", at) or #text + 1
end

local function utf8_of(code)
    if code < 0x80 then
        return string.char(code)
    elseif code < 0x800 then
        return string.char(0xC0 + math.floor(code / 0x40), 0x80 + code % 0x40)
    elseif code < 0x10000 then
        return string.char(0xE0 + math.floor(code / 0x1000), 0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
    end
    return string.char(
        0xF0 + math.floor(code / 0x40000), 0x80 + math.floor(code / 0x1000) % 0x40,
        0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40
    )
end

json.utf8_of = utf8_of

local function hex(text, at)
    local digits = text:match("^%x%x%x%x", at)
    return digits and tonumber(digits, 16) or stop(at, "four hexadecimal digits expected")
end

-- \uXXXX, or two of them where the character lies beyond the first 65,536
local function read_unicode(text, at)
    local code = hex(text, at)
    if code >= 0xDC00 and code < 0xE000 then
        stop(at, "half a character")
    elseif code < 0xD800 or code >= 0xE000 then
        return utf8_of(code), at + 4
    end
    if text:sub(at + 4, at + 5) ~= "\\u" then
        stop(at, "half a character")
    end
    local low = hex(text, at + 6)
    if low < 0xDC00 or low >= 0xE000 then
        stop(at, "half a character")
    end
    return utf8_of(0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00), at + 10
end

local function read_text(text, at)
    local parts, from = {}, at + 1
    while true do
        local to = text:find('[%c"\\]', from) or stop(at, "a text without an end")
        parts[#parts + 1] = text:sub(from, to - 1)
        local found = text:sub(to, to)
        if found == '"' then
            return table.concat(parts), to + 1
        elseif found == "\127" then -- %c holds it, JSON allows it
            parts[#parts + 1], from = found, to + 1
        elseif found ~= "\\" then
            stop(to, "a control character in a text")
        else
            local name = text:sub(to + 1, to + 1)
            if name == "u" then
                parts[#parts + 1], from = read_unicode(text, to + 2)
            else
                parts[#parts + 1], from = ESCAPES[name] or stop(to, "an unknown escape"), to + 2
            end
        end
    end
end

local function read_number(text, at)
    local digits = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
    local whole = digits and digits:match("^-?(%d+)")
    local plain = digits and (digits:match("^-?%d+$") or digits:match("^-?%d+%.%d+$")
        or digits:match("^-?%d+[eE][+-]?%d+$") or digits:match("^-?%d+%.%d+[eE][+-]?%d+$"))
    if not plain or (#whole > 1 and whole:sub(1, 1) == "0") then
        stop(at, "a number, text, list or object expected")
    end
    return tonumber(digits), at + #digits
end

local function read_array(text, at, depth)
    local list = json.array()
    at = skip(text, at + 1)
    if text:sub(at, at) == "]" then
        return list, at + 1
    end
    while true do
        list[#list + 1], at = read_value(text, at, depth)
        at = skip(text, at)
        local found = text:sub(at, at)
        if found == "]" then
            return list, at + 1
        elseif found ~= "," then
            stop(at, "a comma or ] expected")
        end
        at = at + 1
    end
end

local function read_object(text, at, depth)
    local object = {}
    at = skip(text, at + 1)
    if text:sub(at, at) == "}" then
        return object, at + 1
    end
    while true do
        at = skip(text, at)
        if text:sub(at, at) ~= '"' then
            stop(at, "a name in quotes expected")
        end
        local name
        name, at = read_text(text, at)
        at = skip(text, at)
        if text:sub(at, at) ~= ":" then
            stop(at, "a colon expected")
        end
        object[name], at = read_value(text, at + 1, depth)
        at = skip(text, at)
        local found = text:sub(at, at)
        if found == "}" then
            return object, at + 1
        elseif found ~= "," then
            stop(at, "a comma or } expected")
        end
        at = at + 1
    end
end

function read_value(text, at, depth)
    at = skip(text, at)
    if depth >= DEEPEST then
        stop(at, "nested too deeply")
    end
    local first = text:sub(at, at)
    if first == "{" then
        return read_object(text, at, depth + 1)
    elseif first == "[" then
        return read_array(text, at, depth + 1)
    elseif first == '"' then
        return read_text(text, at)
    elseif text:sub(at, at + 3) == "true" then
        return true, at + 4
    elseif text:sub(at, at + 4) == "false" then
        return false, at + 5
    elseif text:sub(at, at + 3) == "null" then
        return json.null, at + 4
    end
    return read_number(text, at)
end

-- The value that a text holds; nil and the reason where it is no JSON.
function json.decode(text)
    local good, value, at = pcall(read_value, text, 1, 0)
    if good then
        at = skip(text, at)
        if at > #text then
            return value
        end
        return nil, ("no JSON at byte %d: something after the end"):format(at)
    end
    return nil, type(value) == "table" and value.message or tostring(value)
end

-- --- writing ---------------------------------------------------------------------------------------------

local NAMED = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local write_value

local function write_text(text)
    return '"' .. text:gsub('[%z\1-\31"\\]', function(found)
        return NAMED[found] or ("\\u%04x"):format(found:byte())
    end) .. '"'
end

local function write_number(number)
    if number ~= number or number == math.huge or number == -math.huge then
        error("JSON has no number " .. tostring(number))
    elseif number == math.floor(number) and math.abs(number) < 2 ^ 53 then
        return ("%.0f"):format(number)
    end
    return ("%.17g"):format(number)
end

local function write_array(list)
    local parts = {}
    for index, value in ipairs(list) do
        parts[index] = write_value(value)
    end
    return "[" .. table.concat(parts, ",") .. "]"
end

local function write_object(object)
    local names, parts = {}, {}
    for name in pairs(object) do
        names[#names + 1] = name
    end
    table.sort(names) -- the same object is always the same text
    for index, name in ipairs(names) do
        parts[index] = write_text(name) .. ":" .. write_value(object[name])
    end
    return "{" .. table.concat(parts, ",") .. "}"
end

function write_value(value)
    local kind = type(value)
    if value == json.null then
        return "null"
    elseif kind == "table" then
        return (getmetatable(value) == Array or value[1] ~= nil) and write_array(value) or write_object(value)
    elseif kind == "string" then
        return write_text(value)
    elseif kind == "number" then
        return write_number(value)
    elseif kind == "boolean" then
        return tostring(value)
    end
    error("JSON has no " .. kind)
end

json.encode = write_value

return json
