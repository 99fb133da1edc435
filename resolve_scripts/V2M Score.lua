-- V2M's script for DaVinci Resolve: V2M Score. Made of resolve_scripts/src/; edit there.
local ADDRESSES = { version = "", inbox = "", music = "", endpoint = "", preferences = "", log = "" }

local parts, made = {}, {}

local function need(name)
    if made[name] == nil then
        made[name] = parts[name]()
    end
    return made[name]
end

parts["trouble"] = function()

-- Errors: a table with code, message and hint, thrown by `error`, told as one sentence a person can act on.

local trouble = {}

local Trouble = {}
Trouble.__index = Trouble
Trouble.__tostring = function(self)
    return self.hint ~= "" and self.message .. " " .. self.hint or self.message
end

-- Throws; `code` is for programs, `message` says what was seen and expected, `hint` what to do.
function trouble.raise(code, message, hint, detail)
    error(setmetatable({ code = code, message = message, hint = hint or "", detail = detail or "" }, Trouble), 0)
end

-- Whatever `error` threw, as one of ours; what is none is a bug and says so.
function trouble.of(thrown)
    if getmetatable(thrown) == Trouble then
        return thrown
    end
    return setmetatable({
        code = "internal",
        message = "Something went wrong inside V2M's script: " .. tostring(thrown) .. ".",
        hint = "Please report it with the Resolve version.",
        detail = "",
    }, Trouble)
end

return trouble

end

parts["json"] = function()

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

end

parts["files"] = function()

-- Files and folders by names in UTF-8 on the three systems, and a pause between two looks.
--
-- Lua's own `io.open` takes Windows paths in the system's code page and fails on the rest, so there the wide
-- functions of the C library are called through LuaJIT's `ffi`, which Resolve has on every edition.

local files = {}

local trouble = need("trouble")
local json = need("json")

local ffi = rawget(_G, "ffi")
if not ffi then
    local found, library = pcall(require, "ffi")
    ffi = found and library or nil
end

files.is_windows = package.config:sub(1, 1) == "\\" or (ffi ~= nil and ffi.os == "Windows")

local DECLARED = files.is_windows and {
    "void *_wfopen(const uint16_t *name, const uint16_t *mode);",
    "size_t fread(void *data, size_t size, size_t count, void *file);",
    "size_t fwrite(const void *data, size_t size, size_t count, void *file);",
    "int fclose(void *file);",
    "int _wremove(const uint16_t *name);",
    "int CreateDirectoryW(const uint16_t *name, void *security);",
    "int MoveFileExW(const uint16_t *from, const uint16_t *to, unsigned long flags);",
    "void Sleep(unsigned long milliseconds);",
    "int MessageBoxW(void *owner, const uint16_t *text, const uint16_t *title, unsigned int kind);",
} or {
    "int mkdir(const char *name, unsigned int mode);",
    "int poll(void *none, unsigned long count, int milliseconds);",
    "int system(const char *command);",
}

local C
if ffi then
    for _, declaration in ipairs(DECLARED) do
        pcall(ffi.cdef, declaration) -- another script may have declared it before
    end
    C = ffi.C
end

local function needed()
    if not C then
        trouble.raise("unsupported", "This Lua has no ffi, which V2M needs to make folders.",
            "Use Resolve 18.5 or later.")
    end
    return C
end

-- --- names -----------------------------------------------------------------------------------------------

-- A path below a folder, in the folder's own style: C:\x, \\server\share\x or /x.
function files.join(folder, ...)
    local is_dos = folder:find("^%a:") or folder:find("^\\\\")
    local separator = is_dos and "\\" or "/"
    local path = folder:gsub(is_dos and "[/\\]+$" or "/+$", "")
    for _, name in ipairs({ ... }) do
        path = path .. separator .. name
    end
    return path
end

-- Whether a path lies below a folder, however the two are written.
function files.is_below(path, folder)
    local function plain(text)
        local is_dos = text:find("^%a:") or text:find("^\\\\") or text:find("^//")
        text = text:gsub("[/\\]+$", "")
        return is_dos and text:gsub("\\", "/"):lower() or text
    end
    folder = plain(folder) .. "/"
    return plain(path):sub(1, #folder) == folder
end

-- A name that all three systems take, made of whatever a person called their timeline.
function files.plain_name(text)
    local name = text:gsub('[%c<>:"/\\|?*]', "_"):gsub("^[%s.]+", ""):gsub("[%s.]+$", "")
    local longest = 80 -- bytes: with folder and ending it stays below the 260 of Windows
    if #name > longest then
        name = name:sub(1, longest):gsub("[\192-\255][\128-\191]*$", "") -- no half character at the end
    end
    local device = name:upper():match("^[^.]*")
    local is_device = device:find("^CON$") or device:find("^PRN$") or device:find("^AUX$") or device:find("^NUL$")
        or device:find("^COM%d$") or device:find("^LPT%d$")
    return (name == "" or is_device) and "timeline" .. name or name
end

local function code_points(text)
    local codes, at = {}, 1
    while at <= #text do
        local byte = text:byte(at)
        local count = byte < 0x80 and 0 or byte >= 0xF0 and 3 or byte >= 0xE0 and 2 or 1
        local code = count == 0 and byte or byte % 2 ^ (6 - count)
        for step = 1, count do
            code = code * 0x40 + (text:byte(at + step) or 0x80) % 0x40
        end
        codes[#codes + 1], at = code, at + count + 1
    end
    return codes
end

-- Zero-ended UTF-16, as the wide functions of Windows take it.
function files.wide(text)
    local units = {}
    for _, code in ipairs(code_points(text)) do
        if code >= 0x10000 then
            units[#units + 1] = 0xD800 + math.floor((code - 0x10000) / 0x400)
            units[#units + 1] = 0xDC00 + (code - 0x10000) % 0x400
        else
            units[#units + 1] = code
        end
    end
    units[#units + 1] = 0
    return ffi.new("uint16_t[?]", #units, units)
end

-- --- reading and writing ---------------------------------------------------------------------------------

local CHUNK_BYTES = 65536

local function read_wide(path)
    local file = needed()._wfopen(files.wide(path), files.wide("rb"))
    if file == nil then
        return nil
    end
    local buffer, parts = ffi.new("char[?]", CHUNK_BYTES), {}
    repeat
        local count = tonumber(C.fread(buffer, 1, CHUNK_BYTES, file))
        parts[#parts + 1] = ffi.string(buffer, count)
    until count < CHUNK_BYTES
    C.fclose(file)
    return table.concat(parts)
end

local function write_wide(path, text, mode)
    local file = needed()._wfopen(files.wide(path), files.wide(mode))
    if file == nil then
        return false
    end
    local count = tonumber(C.fwrite(text, 1, #text, file))
    return C.fclose(file) == 0 and count == #text
end

local function write_plain(path, text, mode)
    local file = io.open(path, mode)
    if not file then
        return false
    end
    local written = file:write(text)
    return file:close() and written and true or false
end

-- What a file holds; nil where there is none that can be read.
function files.read(path)
    if files.is_windows then
        return read_wide(path)
    end
    local file = io.open(path, "rb")
    local text = file and file:read("*a") -- nil for a folder
    if file then
        file:close()
    end
    return text
end

function files.exists(path)
    return files.read(path) ~= nil
end

local function move(from, to)
    if files.is_windows then
        local replace_and_wait = 1 + 8 -- MOVEFILE_REPLACE_EXISTING, MOVEFILE_WRITE_THROUGH
        return needed().MoveFileExW(files.wide(from), files.wide(to), replace_and_wait) ~= 0
    end
    return (os.rename(from, to))
end

-- Put a file in place whole: whoever looks sees the old one or the new one, never half of it.
function files.write(folder, name, text)
    local write = files.is_windows and write_wide or write_plain
    local hidden, path = files.join(folder, "." .. name), files.join(folder, name)
    if not write(hidden, text, "wb") or not move(hidden, path) then
        trouble.raise("output_write", "The file " .. path .. " cannot be written.",
            "Check that the disk has room and the folder may be written.")
    end
    return path
end

-- Add to a file; says whether it went.
function files.append(path, text)
    return (files.is_windows and write_wide or write_plain)(path, text, "ab")
end

function files.remove(path)
    if files.is_windows then
        return needed()._wremove(files.wide(path)) == 0
    end
    return (os.remove(path))
end

-- Make a folder and those above it; nothing where it is there.
function files.make_folder(path)
    local is_private = 448 -- 0700: what an unfinished film sounds like is nobody else's business
    local function make(one)
        if files.is_windows then
            needed().CreateDirectoryW(files.wide(one), nil)
        else
            needed().mkdir(one, is_private)
        end
    end
    local root = path:match("^\\\\[^\\]+\\[^\\]+") or path:match("^%a:") or "" -- a share or a drive is there or is not
    for at in path:gmatch("()[/\\]") do
        if at > #root + 1 then
            make(path:sub(1, at - 1))
        end
    end
    make(path)
    if not pcall(files.write, path, "v2m-test", "") or not files.remove(files.join(path, "v2m-test")) then
        trouble.raise("output_write", "The folder " .. path .. " cannot be made or written.",
            "Check the disk and its permissions.")
    end
    return path
end

-- An object in a file; nil where there is none, or (for a moment, or for ever) half of one.
function files.read_object(path)
    local text = files.read(path)
    local value = text and json.decode(text)
    return type(value) == "table" and value ~= json.null and value or nil
end

-- --- the system ------------------------------------------------------------------------------------------

function files.pause(seconds)
    if files.is_windows then
        needed().Sleep(seconds * 1000)
    else
        needed().poll(nil, 0, seconds * 1000)
    end
end

-- Show a sentence outside Resolve's console, which few people have open; a system that cannot is silent.
function files.show(title, text)
    if not C then
        return
    end
    if files.is_windows then
        C.MessageBoxW(nil, files.wide(text), files.wide(title), 0x40) -- MB_ICONINFORMATION
        return
    end
    local function quoted(words)
        return "'" .. words:gsub("%z", ""):gsub("'", "'\\''") .. "'"
    end
    if ffi.os == "OSX" then
        C.system("osascript -e 'on run argv' -e 'display notification (item 1 of argv) with title (item 2 of argv)'"
            .. " -e 'end run' " .. quoted(text) .. " " .. quoted(title) .. " >/dev/null 2>&1 &")
    else
        C.system("notify-send -- " .. quoted(title) .. " " .. quoted(text) .. " >/dev/null 2>&1 &")
    end
end

return files

end

parts["say"] = function()

-- Words for the person: to Resolve's console, to a log, and the outcome as a notification of the system.

local say = {}

local files = need("files")

local log_path
local wants_notification = false
local last

-- From now on words are logged; before, they only go to the console.
function say.open(preferences)
    log_path, wants_notification = preferences.log, preferences.notify
    last = nil
end

function say.line(text)
    if text == last then
        return -- the console shows every line, so the same one only once
    end
    last = text
    print("V2M: " .. text)
    if log_path then
        pcall(files.append, log_path, os.date("%Y-%m-%d %H:%M:%S ") .. text .. "\n")
    end
end

local function notify(text)
    if wants_notification then
        pcall(files.show, "V2M", text)
    end
end

-- On Windows a notice is a box that somebody must click away: it is for failures.
function say.outcome(text)
    say.line(text)
    if not files.is_windows then
        notify(text)
    end
end

function say.failure(problem)
    say.line(tostring(problem))
    if problem.code == "cancelled" then
        return -- whoever stops it knows
    end
    if problem.detail ~= "" then
        say.line("In detail: " .. problem.detail)
    end
    if log_path then
        print("V2M: the log is " .. log_path)
    end
    notify(tostring(problem))
end

return say

end

parts["dialog"] = function()

-- A small window that asks for the words, where this Resolve is Studio.
--
-- The free edition has had no windows for scripts since 19.1; touching them there opens a notice of Resolve's
-- that makes every later call fail, so the edition is asked first. Without a window the marker V2M speaks.

local dialog = {}

local say = need("say")

local function window(ui, dispatcher, wanted, title)
    return dispatcher:AddWindow({ ID = "V2M", WindowTitle = title, Geometry = { 400, 300, 480, 150 } }, {
        ui:VGroup({
            ui:Label({ Text = "Style, mood, instruments, tempo:" }),
            ui:LineEdit({ ID = "Prompt", Text = wanted.prompt or "", PlaceholderText = "cinematic, hopeful, strings" }),
            ui:HGroup({
                ui:CheckBox({ ID = "Range", Text = "Only between the in and out marks", Checked = true }),
                ui:Label({ Text = "Takes" }),
                ui:SpinBox({ ID = "Takes", Minimum = 1, Maximum = 16, Value = wanted.takes or 1 }),
            }),
            ui:HGroup({ ui:Button({ ID = "Go", Text = "Go" }), ui:Button({ ID = "Leave", Text = "Cancel" }) }),
        }),
    })
end

local function ask(wanted, title)
    local ui, dispatcher = fu.UIManager, bmd.UIDispatcher(fu.UIManager)
    local shown = window(ui, dispatcher, wanted, title)
    local items, went = shown:GetItems(), false
    local function close()
        dispatcher:ExitLoop()
    end
    shown.On.Go.Clicked = function()
        went = true
        close()
    end
    shown.On.Leave.Clicked, shown.On.V2M.Close = close, close
    shown:Show()
    dispatcher:RunLoop()
    shown:Hide()
    if not went then
        return false
    end
    if items.Prompt.Text ~= "" then
        wanted.prompt = items.Prompt.Text
    end
    wanted.takes = items.Takes.Value > 1 and items.Takes.Value or nil
    wanted.whole = not items.Range.Checked
    return true
end

-- Let the user say what they want; false where they would rather not. Without a window nothing changes.
function dialog.ask(editor, preferences, wanted, title)
    if not editor.is_studio or not preferences.dialog or not rawget(_G, "fu") or not rawget(_G, "bmd") then
        return true
    end
    local good, answer = pcall(ask, wanted, title)
    if not good then
        say.line("Resolve shows no window for scripts here; the marker V2M says what is wanted.")
        return true
    end
    return answer
end

return dialog

end

parts["putback"] = function()

-- What must be as it was on every way out: success, error and cancel alike.

local putback = {}

local stack = {}

-- Remember how to undo a change; call it before the change is made.
function putback.later(undo)
    stack[#stack + 1] = undo
end

-- Undo everything, the last change first. One that fails does not keep the others from it.
function putback.all()
    while #stack > 0 do
        pcall(table.remove(stack))
    end
end

-- Do something between remembering and undoing; what it throws goes on afterwards.
function putback.around(work)
    local good, thrown = pcall(work)
    putback.all()
    if not good then
        error(thrown, 0)
    end
    return thrown
end

return putback

end

parts["rate"] = function()

-- Frame rates as exact fractions, and seconds into frames.
--
-- Resolve says 23.976, 23.98, "29.97 DF" or a float32 of it; multiplied by an hour each of them is another frame.

local rate = {}

local trouble = need("trouble")

local KNOWN = {
    { 16, 1 }, { 18, 1 }, { 24000, 1001 }, { 24, 1 }, { 25, 1 }, { 30000, 1001 }, { 30, 1 }, { 48000, 1001 },
    { 48, 1 }, { 50, 1 }, { 60000, 1001 }, { 60, 1 }, { 72, 1 }, { 90, 1 }, { 95, 1 }, { 96, 1 }, { 100, 1 },
    { 120000, 1001 }, { 120, 1 },
}
local TOLERANCE = 0.0005 -- 23.98 is off by 0.00016, and the next rate, 24, is 0.001 away

-- The exact rate as { num =, den = }.
function rate.of(text)
    local value = tonumber((tostring(text):match("^%s*[%d.]+")))
    local best, error_of_best
    for _, known in ipairs(KNOWN) do
        local off = value and math.abs(value * known[2] / known[1] - 1) or math.huge
        if off < (error_of_best or TOLERANCE) then
            best, error_of_best = known, off
        end
    end
    if not best then
        trouble.raise("unsupported", ("The frame rate is %q, which V2M does not know."):format(tostring(text)))
    end
    return { num = best[1], den = best[2] }
end

-- The frame nearest to a time.
function rate.frame(seconds, exact)
    return math.floor(seconds * exact.num / exact.den + 0.5)
end

function rate.same(a, b)
    return a.num * b.den == b.num * a.den
end

-- Frames counted at one rate as frames at another, rounded up.
function rate.converted(frames, from, to)
    return math.ceil(frames * from.den * to.num / (from.num * to.den) - 1e-9)
end

return rate

end

parts["editor"] = function()

-- The running Resolve: edition, version, project and timeline, and the range that the user marked.
--
-- Conventions: `recordFrame` and `GetStart` count absolute frames from the timeline's start timecode; markers
-- and in and out marks count from its first frame. Frames here are of the second kind unless named `absolute`.
-- A mark out is the last frame inside; `last` here is the first one outside.

local editor = {}

local putback = need("putback")
local rate = need("rate")
local trouble = need("trouble")

local OLDEST = { 18, 5 } -- the first Resolve that writes OTIO

local function version_of(resolve)
    local version = resolve:GetVersion() or {}
    local major, minor = tonumber(version[1]) or 0, tonumber(version[2]) or 0
    if major < OLDEST[1] or (major == OLDEST[1] and minor < OLDEST[2]) then
        trouble.raise("unsupported", ("This is Resolve %d.%d, which writes no OTIO."):format(major, minor),
            "Use Resolve 18.5 or later.")
    end
    return major, minor
end

local function found(value, message, hint)
    return value or trouble.raise("usage", message, hint)
end

-- Whatever is open now.
function editor.open()
    local app = rawget(_G, "resolve")
    if not app and rawget(_G, "Resolve") then
        app = Resolve()
    end
    found(app, "There is no Resolve around this script.", "Start it from Workspace > Scripts.")
    local self = { app = app }
    self.major, self.minor = version_of(app)
    self.is_studio = (app:GetProductName() or ""):find("Studio") ~= nil
    self.project = found(app:GetProjectManager():GetCurrentProject(), "No project is open.", "Open one.")
    self.timeline = found(self.project:GetCurrentTimeline(), "No timeline is open.", "Open the one to score.")
    self.pool = self.project:GetMediaPool()
    self.name = self.timeline:GetName()
    self.start = self.timeline:GetStartFrame() -- absolute
    -- the timeline's own rate: a project may hold timelines of other rates
    self.rate = rate.of(self.timeline:GetSetting("timelineFrameRate"))
    return self
end

-- Marks can be read, and so put back, since Resolve 20.
function editor.has_marks(self)
    return self.major >= 20
end

local function marks_of(self)
    if not editor.has_marks(self) then
        return {}
    end
    local good, marks = pcall(self.timeline.GetMarkInOut, self.timeline)
    return good and type(marks) == "table" and marks or {}
end

-- The marked range as first and last frame, each nil where it is not marked.
function editor.range(self)
    local marks = marks_of(self)
    local marked = marks.video and next(marks.video) and marks.video or marks.audio or {}
    local first, last = marked["in"], marked["out"]
    return first, last and math.min(last + 1, editor.length(self))
end

-- Frames of the timeline.
function editor.length(self)
    return self.timeline:GetEndFrame() - self.start
end

-- Remember page and marks, to be put back.
function editor.remember(self)
    local page, marks, timeline = self.app:GetCurrentPage(), marks_of(self), self.timeline
    if page then
        putback.later(function() self.app:OpenPage(page) end)
    end
    if not editor.has_marks(self) then
        return
    end
    putback.later(function()
        local now = timeline:GetMarkInOut() or {}
        for _, kind in ipairs({ "video", "audio" }) do
            local was, is = marks[kind] or {}, now[kind] or {}
            if was["in"] ~= is["in"] or was["out"] ~= is["out"] then
                timeline:ClearMarkInOut(kind)
                if was["in"] or was["out"] then -- Resolve sets both or none
                    timeline:SetMarkInOut(was["in"] or 0, was["out"] or editor.length(self) - 1, kind)
                end
            end
        end
    end)
end

-- Make the timeline the current one, for what Resolve only does there; says whether that went.
function editor.come_back(self)
    local project = self.app:GetProjectManager():GetCurrentProject()
    if not project or project:GetUniqueId() ~= self.project:GetUniqueId() then
        return false
    end
    local current = project:GetCurrentTimeline()
    if current and current:GetUniqueId() == self.timeline:GetUniqueId() then
        return true
    end
    if current then
        putback.later(function() project:SetCurrentTimeline(current) end)
    end
    return project:SetCurrentTimeline(self.timeline) and true or false
end

-- Write the timeline as OTIO. Only Resolve's own constants are taken; True alone proves nothing.
function editor.export(self, path)
    local files = need("files")
    local done = self.timeline:Export(path, self.app.EXPORT_OTIO, self.app.EXPORT_NONE)
    if not done or not files.exists(path) then
        trouble.raise("unfinished", "Resolve did not export the timeline as OTIO.",
            "Try File > Export > Timeline by hand, and see what it says.")
    end
end

return editor

end

parts["picture"] = function()

-- A small picture of the programme, rendered by Resolve for a daemon that cannot read the media itself.
--
-- Own render job, nobody else's touched. The Deliver page erases in and out marks, and its settings stay what
-- was set last: marks are put back by `editor.remember`, settings by a preset of our own that is removed again.

local picture = {}

local editor = need("editor")
local files = need("files")
local putback = need("putback")
local say = need("say")

local NAME = "v2m-picture"
local PRESET = "V2M: settings to be put back"
local WIDTH, HEIGHT = 640, 360 -- what the daemon looks at is smaller still
local LOOK_EVERY_S = 0.5

-- Format and codec by their ids, smallest first. Free Resolve on Linux has no H.264.
local CODECS = { { "mp4", "H264" }, { "mov", "H264" }, { "mov", "ProRes422P" }, { "mov", "DNxHRLB" }, { "mxf_op1a", "DNxHRLB" } }

local function refuse(why)
    say.line("No picture is rendered: " .. why .. " The media are read instead.")
end

local function remember_settings(project)
    local kept = project:SaveAsNewRenderPreset(PRESET)
    local mode = project:GetCurrentRenderMode()
    local now = project:GetCurrentRenderFormatAndCodec() or {}
    putback.later(function()
        if kept then
            project:LoadRenderPreset(PRESET)
            project:DeleteRenderPreset(PRESET)
        end
        if now.format and now.codec then
            project:SetCurrentRenderFormatAndCodec(now.format, now.codec)
        end
        if mode then
            project:SetCurrentRenderMode(mode)
        end
    end)
end

-- The file's ending, once a codec is chosen that this Resolve has.
local function choose_codec(project)
    for _, choice in ipairs(CODECS) do
        if project:SetCurrentRenderFormatAndCodec(choice[1], choice[2]) then
            return choice[1]:match("^%a%w%w") -- mxf_op1a writes .mxf
        end
    end
end

-- Settings lie over those of the page, so all that matter are named.
local function settings(self, folder, first, last)
    return {
        SelectAllFrames = false, MarkIn = self.start + first, MarkOut = self.start + last - 1, -- absolute, the last inside
        TargetDir = folder, CustomName = NAME, ExportVideo = true, ExportAudio = false,
        FormatWidth = WIDTH, FormatHeight = HEIGHT,
    }
end

local function wait(project, id, wants_stop)
    while project:IsRenderingInProgress() do
        if wants_stop() then
            project:StopRendering()
            return false
        end
        local status = project:GetRenderJobStatus(id) or {}
        say.line(("%3.0f %% render in Resolve"):format(10 * math.floor((tonumber(status.CompletionPercentage) or 0) / 10)))
        files.pause(LOOK_EVERY_S)
    end
    -- JobStatus is a word of the user's language, and not rendering is no success
    local status = project:GetRenderJobStatus(id) or {}
    return (status.Error or "") == "" and (tonumber(status.CompletionPercentage) or 0) >= 100
end

local function render(self, folder, first, last, wants_stop)
    local project = self.project
    self.app:OpenPage("deliver") -- elsewhere settings are taken and forgotten
    remember_settings(project)
    local ending = choose_codec(project)
    project:SetCurrentRenderMode(1) -- one file, not one per clip
    if not ending or not project:SetRenderSettings(settings(self, folder, first, last)) then
        return refuse("this Resolve has no format for it.")
    end
    local id = project:AddRenderJob()
    if not id or id == "" then
        return refuse("Resolve takes no render job.")
    end
    putback.later(function() project:DeleteRenderJob(id) end)
    local path = files.join(folder, NAME .. "." .. ending)
    local done = project:StartRendering({ id }, false) and wait(project, id, wants_stop)
    if not done or not files.exists(path) then
        return refuse("Resolve's render failed.")
    end
    return path
end

-- The path of the picture in a folder; nil, with a word about it, where there is none.
function picture.render(self, folder, first, last, wants_stop)
    if not editor.has_marks(self) then
        return refuse("before Resolve 20 the page Deliver would erase your in and out marks.")
    elseif self.project:IsRenderingInProgress() then
        return refuse("Resolve is rendering something else.")
    end
    return render(self, folder, first, last, wants_stop)
end

return picture

end

parts["settings"] = function()

-- Where V2M lives on this machine, and what the user prefers.
--
-- `ADDRESSES` stands at the top of the script and is filled in by `v2m install-resolve`; a script that was
-- copied by hand finds V2M by the environment variable V2M_HOME. Preferences are `resolve.json` in V2M's
-- configuration folder; each is described below.

local settings = {}

local files = need("files")
local trouble = need("trouble")

settings.VERSION = ADDRESSES.version

-- Name, kind and default of every preference.
local PREFERENCES = {
    prompt = { "string", "" }, -- words for every score that names none of its own
    takes = { "number", 1 }, -- how many to compose; the best is placed, the others wait in the bin
    markers = { "string", "Purple" }, -- Resolve's colour of the hit markers, or "off"
    picture = { "string", "media" }, -- "render": have Resolve render a small picture instead of reading the media
    notify = { "boolean", true }, -- show the outcome outside Resolve's console
    dialog = { "boolean", true }, -- ask in a window, where this is Studio
}

local function below_home(home)
    return {
        inbox = files.join(home, "inbox"),
        music = files.join(home, "resolve"),
        endpoint = files.join(home, "endpoint.json"),
        preferences = files.join(home, "resolve.json"),
        log = files.join(home, "resolve.log"),
    }
end

local function addresses()
    if ADDRESSES.inbox ~= "" then
        return ADDRESSES
    end
    local home = os.getenv("V2M_HOME")
    if home and home ~= "" then
        return below_home(home)
    end
    trouble.raise("usage", "This script does not know where V2M is.", "Run `v2m install-resolve` and start Resolve again.")
end

local function checked(name, value)
    local kind = PREFERENCES[name] and PREFERENCES[name][1]
    if not kind then
        trouble.raise("usage", ("resolve.json has a preference %q that V2M does not know."):format(name))
    elseif type(value) ~= kind then
        trouble.raise("usage", ("resolve.json has %s of kind %s, expected %s."):format(name, type(value), kind))
    end
    return value
end

-- All of them in one table; a preference that is not given has its default.
function settings.read()
    local found = {}
    for name, value in pairs(addresses()) do
        found[name] = value
    end
    for name, preference in pairs(PREFERENCES) do
        found[name] = preference[2]
    end
    local text = files.read(found.preferences)
    if text then
        local wished, why = need("json").decode(text)
        if type(wished) ~= "table" then
            trouble.raise("usage", found.preferences .. " cannot be read: " .. (why or "no object") .. ".")
        end
        for name, value in pairs(wished) do
            found[name] = checked(name, value)
        end
    end
    return found
end

return settings

end

parts["job"] = function()

-- The job directory: how a script that can only write files has V2M's daemon do something.
--
-- The job's folder is made in the daemon's inbox, `job.json` is renamed into place last; the daemon rewrites
-- `status.json` and leaves `result.json` or `error.json`; a file named `cancel` stops it.

local job = {}

local files = need("files")
local json = need("json")
local say = need("say")
local trouble = need("trouble")

local VERSION = 1 -- of the files' form
local FIRST_LOOK_S, LOOK_EVERY_S = 0.05, 0.25 -- the daemon writes four times a second
local ANSWER_WITHIN_S = 20 -- the daemon looks into its inbox every 10 s even where it hears of nothing
local GONE_FOR_S = 30 -- a daemon that is started again is back within seconds
local STOP_WITHIN_S = 30 -- a job that is told to stop does so within a step of its sampler
local CLIENT = "resolve"

job.AWAY = "away" -- code of an error: nobody does the job now, but it will be done

-- Refuse at once where no daemon runs; a script of another version says so and goes on.
function job.check_daemon(preferences)
    local endpoint = files.read_object(preferences.endpoint)
    if not endpoint then
        trouble.raise("unreachable", "V2M is not running.", "Start it with `v2m serve`, or for good with `v2m serve --install`.")
    end
    local mine, its = need("settings").VERSION, endpoint.version
    if its and mine ~= "" and its ~= mine then
        say.line(("This script is of V2M %s, but %s is running: run `v2m install-resolve` and start Resolve again.")
            :format(mine, its))
    end
end

local function folder_name()
    return ("resolve-%s-%06x"):format(os.date("%Y%m%d-%H%M%S"), math.random(0, 0xFFFFFF))
end

-- Make the folder of a job; nothing is asked for yet.
function job.new(preferences)
    math.randomseed(os.time() + math.floor(os.clock() * 1e6))
    local name = folder_name()
    return { name = name, folder = files.make_folder(files.join(preferences.inbox, name)) }
end

-- Ask for it: from now on the daemon does it, whatever becomes of this script.
function job.submit(self, fields)
    fields.version, fields.client = VERSION, CLIENT
    files.write(self.folder, "job.json", json.encode(fields))
    self.since = os.time()
end

function job.cancel(self)
    files.write(self.folder, "cancel", "")
end

local function fail(told)
    local function text(name)
        return type(told[name]) == "string" and told[name] or ""
    end
    trouble.raise(text("code"), text("message"), text("hint"), text("detail"))
end

-- The result where the job is done, nil where it is not; throws what went wrong.
function job.result(self)
    local told = files.read_object(files.join(self.folder, "error.json"))
    if told then
        fail(told)
    end
    local result = files.read_object(files.join(self.folder, "result.json"))
    if result and result.version ~= VERSION then
        trouble.raise("unsupported", "The running V2M answers in a form that this script does not know.",
            "Run `v2m install-resolve` and start Resolve again.")
    end
    return result
end

local function progress_of(status)
    local words = status.stage ~= "" and status.stage or status.state:gsub("_", " ")
    local told = ("%3.0f %% %s"):format(10 * math.floor(status.fraction * 10), words)
    return status.message ~= "" and told .. ": " .. status.message or told
end

local function withdraw(self)
    pcall(job.cancel, self)
    files.remove(files.join(self.folder, "job.json"))
    trouble.raise("unreachable", "V2M does not answer.", "Start it with `v2m serve`, or see what `v2m doctor` says.")
end

-- Throws where waiting makes no sense any more: nobody took the job, the daemon went, or it does not stop.
local function check_patience(self, seen, stopped, endpoint)
    local now = os.time()
    if not seen and now - self.since > ANSWER_WITHIN_S then
        withdraw(self)
    elseif stopped and now - stopped > STOP_WITHIN_S then
        trouble.raise("cancelled", "V2M is told to stop; nothing was changed here.")
    end
    self.last_there = files.exists(endpoint) and now or self.last_there or self.since
    if now - self.last_there > GONE_FOR_S then
        trouble.raise(job.AWAY, "V2M was stopped; it goes on where it was when it runs again.",
            "Then V2M Takes brings the music.")
    end
end

-- Wait for the result. `wants_stop` is asked at every look; `tell` hears of fractions.
function job.wait(self, wants_stop, tell, endpoint)
    local stopped, pause_s = nil, FIRST_LOOK_S
    while true do
        local result = job.result(self)
        if result then
            return result
        end
        local status = files.read_object(files.join(self.folder, "status.json"))
        if status and type(status.fraction) == "number" and type(status.state) == "string" then
            tell(progress_of(status))
        end
        if not stopped and wants_stop() then
            stopped = os.time()
            job.cancel(self)
        end
        check_patience(self, status, stopped, endpoint)
        files.pause(pause_s)
        pause_s = math.min(pause_s * 1.5, LOOK_EVERY_S)
    end
end

return job

end

parts["markers"] = function()

-- Hit markers: where the music has its hits, and how far the user moved them since.
--
-- A marker of ours is named `V2M <hit>`. Its customData holds hit, frame (where it was put) and first (where
-- the music began); Resolve shows it to nobody, keeps it through a move and drops it from OTIO, so the note says
-- the same as `v2m:<hit> @<frame>`. One frame takes one marker: where the user has one at a hit, that one gets
-- our customData if it had none, and tells of its move just as well.

local markers = {}

local json = need("json")
local rate = need("rate")
local say = need("say")
local trouble = need("trouble")

local COLORS = {
    Blue = true, Cyan = true, Green = true, Yellow = true, Red = true, Pink = true, Purple = true,
    Fuchsia = true, Rose = true, Lavender = true, Sky = true, Mint = true, Lemon = true, Sand = true,
    Cocoa = true, Cream = true,
}

markers.OFF = "off"

function markers.check_color(color)
    if color ~= markers.OFF and not COLORS[color] then
        trouble.raise("usage", ("%q is no colour of Resolve's markers."):format(color),
            'Take one of those in its menu, such as "Purple", or "off".')
    end
end

-- What a marker knows of its hit; nil where it is none of ours.
local function of(marker)
    local data = json.decode(marker.customData or "")
    if type(data) == "table" and type(data.v2m) == "string" and type(data.frame) == "number" then
        return { hit = data.v2m, frame = data.frame, is_ours = data.own == true }
    end
    local hit, frame = (marker.note or ""):match("v2m:([%w_.-]+) @(%d+)")
    return hit and { hit = hit, frame = tonumber(frame), is_ours = (marker.name or ""):find("^V2M ") ~= nil }
end

-- Hit markers as they lie now: { hit =, frame = (where put), now = (where it is), is_ours = }, in order.
function markers.read(timeline)
    local found = {}
    for now, marker in pairs(timeline:GetMarkers() or {}) do
        local one = of(marker)
        if one then
            one.now = now
            found[#found + 1] = one
        end
    end
    table.sort(found, function(a, b) return a.now < b.now end)
    return found
end

-- Those that were moved, as pairs of times from the music's beginning for a retime.
function markers.nudges(timeline, first)
    local pairs_of_times = json.array()
    for _, one in ipairs(markers.read(timeline)) do
        if one.now ~= one.frame then
            local old, new = one.frame - first, one.now - first
            pairs_of_times[#pairs_of_times + 1] = json.array({ ("%df"):format(old), ("%df"):format(new) })
        end
    end
    return pairs_of_times
end

-- Take ours away between two frames; the user's own only lose what we noted in them.
local function clear(timeline, first, last)
    for _, one in ipairs(markers.read(timeline)) do
        local is_inside = one.frame >= first and one.frame < last
        if is_inside and one.is_ours then
            timeline:DeleteMarkerAtFrame(one.now)
        elseif is_inside then
            timeline:UpdateMarkerCustomData(one.now, "")
        end
    end
end

local function put(timeline, hit, frame, color)
    local data = { v2m = hit.id, frame = frame, own = true }
    local note = ("v2m:%s @%d"):format(hit.id, frame)
    if timeline:AddMarker(frame, color, "V2M " .. hit.id, note, 1, json.encode(data)) then
        return true
    end
    if (timeline:GetMarkerCustomData(frame) or "") == "" then
        data.own = false
        return timeline:UpdateMarkerCustomData(frame, json.encode(data))
    end
    return false
end

-- Show a take's hits in place of those shown before.
function markers.show(editor, take, frames, color)
    clear(editor.timeline, take.first, take.first + frames + 1) -- the end's own hit lies on the frame after
    if color == markers.OFF then
        return
    end
    local missed = 0
    for _, hit in ipairs(take.hits) do
        if type(hit.id) == "string" and type(hit.time_s) == "number" and hit.kind ~= "end" then
            local frame = take.first + rate.frame(hit.time_s, editor.rate)
            missed = missed + (put(editor.timeline, hit, frame, color) and 0 or 1)
        end
    end
    if missed > 0 then
        say.line(("%d hits have no marker of their own: other markers are there."):format(missed))
    end
end

return markers

end

parts["takes"] = function()

-- The takes of a timeline: which there are, where each lies, and which job is still to bring one.
--
-- `takes.json` in the timeline's folder holds { takes = [...], pending = [...] }, newest last. A take has wav,
-- take (its folder), first (the frame it begins at), prompt and hits; a pending job its folder and first.

local takes = {}

local files = need("files")
local json = need("json")

local NAME = "takes.json"

-- The folder of a timeline: by its unique id, which outlives a new name.
function takes.folder(editor, preferences)
    local id = files.plain_name(editor.timeline:GetUniqueId() or editor.name)
    return files.join(preferences.music, id)
end

function takes.read(folder)
    local index = files.read_object(files.join(folder, NAME)) or {}
    index.takes, index.pending = index.takes or json.array(), index.pending or json.array()
    return index
end

local function write(folder, index)
    files.write(files.make_folder(folder), NAME, json.encode(index))
end

-- Remember a job before it is asked for, so that its result is found even if Resolve is closed meanwhile.
function takes.expect(folder, job, first, kind)
    local index = takes.read(folder)
    table.insert(index.pending, { folder = job.folder, first = first, kind = kind })
    write(folder, index)
end

-- The job is over.
function takes.settle(folder, job)
    local index = takes.read(folder)
    for at = #index.pending, 1, -1 do
        if index.pending[at].folder == job.folder then
            table.remove(index.pending, at)
        end
    end
    write(folder, index)
end

local function text(value)
    return type(value) == "string" and value or nil
end

-- What a job made, best first.
function takes.of_result(result, first)
    local told = type(result.result) == "table" and result.result or {}
    local hits, made = type(told.hits) == "table" and told.hits or json.array(), json.array()
    made[1] = {
        wav = text(result.outputs and result.outputs.wav) or text(told.wav),
        take = text(told.take), first = first, prompt = text(told.prompt), hits = hits,
    }
    for _, other in ipairs(type(told.takes) == "table" and told.takes or {}) do
        if text(other.wav) and other.wav ~= made[1].wav then
            made[#made + 1] = {
                wav = other.wav, take = text(other.take), first = first, prompt = text(told.prompt), hits = hits,
            }
        end
    end
    return made, told
end

function takes.add(folder, made)
    local index = takes.read(folder)
    for at = #made, 1, -1 do -- the best is the newest
        table.insert(index.takes, made[at])
    end
    write(folder, index)
end

-- The take whose music is a file, with its number; nil where it is none of this timeline's.
function takes.of_wav(folder, path)
    for number, take in ipairs(takes.read(folder).takes) do
        if path == take.wav then
            return take, number
        end
    end
end

return takes

end

parts["track"] = function()

-- The music on the timeline: imported into the bin V2M, appended to the stereo track V2M Score, read back.
--
-- Resolve moves no item and overwrites none: an append that overlaps is dropped in silence. So our own items
-- that are in the way are taken out first, anybody else's send the music to another track, and what lies there
-- afterwards is compared with what was meant. Sources: Blackmagic's scripting README and its users' reports.

local track = {}

local files = need("files")
local putback = need("putback")
local rate = need("rate")
local say = need("say")
local trouble = need("trouble")

track.NAME = "V2M Score"
local BIN = "V2M"
local AUDIO = 2 -- mediaType of AppendToTimeline

-- --- the bin ---------------------------------------------------------------------------------------------

local function bin_of(pool)
    local root = pool:GetRootFolder()
    for _, folder in pairs(root:GetSubFolderList() or {}) do
        if folder:GetName() == BIN then
            return folder
        end
    end
    return pool:AddSubFolder(root, BIN)
end

-- Bring files into the bin; they come as media pool items, in their order.
function track.import(editor, paths)
    local pool = editor.pool
    local before = pool:GetCurrentFolder()
    putback.later(function() pool:SetCurrentFolder(before) end)
    local bin = bin_of(pool)
    if not bin or not pool:SetCurrentFolder(bin) then -- ImportMedia knows no other way to choose the bin
        trouble.raise("unfinished", "Resolve does not open the bin V2M.", "Remove or rename it and try again.")
    end
    local items = {}
    for _, path in ipairs(paths) do
        local imported = pool:ImportMedia({ path }) or {}
        items[#items + 1] = imported[1]
            or trouble.raise("unfinished", "Resolve does not import " .. path .. ".", "Import it by hand.")
    end
    pool:SetCurrentFolder(before)
    return items
end

-- --- what lies there -------------------------------------------------------------------------------------

local function path_of(item)
    local media = item:GetMediaPoolItem()
    return media and media:GetClipProperty("File Path") or ""
end

local function is_named_ours(timeline, index)
    return timeline:GetTrackName("audio", index) == track.NAME
        and timeline:GetTrackSubType("audio", index) == "stereo"
end

-- Our items on tracks of our name: { item =, track =, path =, start =, last = }, absolute frames.
function track.ours(editor, folder)
    local found = {}
    for index = 1, editor.timeline:GetTrackCount("audio") do
        if is_named_ours(editor.timeline, index) then
            for _, item in pairs(editor.timeline:GetItemListInTrack("audio", index) or {}) do
                local path = path_of(item)
                if files.is_below(path, folder) then
                    found[#found + 1] = {
                        item = item, track = index, path = path, start = item:GetStart(), last = item:GetEnd(),
                        media = item:GetMediaPoolItem(), offset = item:GetLeftOffset() or 0,
                    }
                end
            end
        end
    end
    return found
end

local function overlaps(start, last, from, to)
    return start < to and from < last
end

local function is_free(editor, index, folder, from, to)
    for _, item in pairs(editor.timeline:GetItemListInTrack("audio", index) or {}) do
        if overlaps(item:GetStart(), item:GetEnd(), from, to) and not files.is_below(path_of(item), folder) then
            return false
        end
    end
    return true
end

-- --- the track -------------------------------------------------------------------------------------------

-- AddTrack makes a mono track unless told, and a mono track takes half of the music.
local function new_track(timeline)
    local before = timeline:GetTrackCount("audio")
    timeline:AddTrack("audio", "stereo")
    local index = timeline:GetTrackCount("audio")
    if index == before or timeline:GetTrackSubType("audio", index) ~= "stereo" then
        trouble.raise("unfinished", "Resolve does not add a stereo track.",
            "Add one by hand, name it " .. track.NAME .. ", and try again.")
    end
    timeline:SetTrackName("audio", index, track.NAME)
    return index
end

-- A track of our name on which nobody else's item is in the way.
local function find(editor, folder, from, to)
    local has_name = false
    for index = 1, editor.timeline:GetTrackCount("audio") do
        if is_named_ours(editor.timeline, index) then
            if is_free(editor, index, folder, from, to) then
                return index
            end
            has_name = true
        end
    end
    if has_name then
        say.line("On the track " .. track.NAME .. " lie items of yours: the music goes on another one.")
    end
    return new_track(editor.timeline)
end

-- A locked track takes nothing and says nothing.
local function unlock(timeline, index)
    if timeline:GetIsTrackLocked("audio", index) then
        putback.later(function() timeline:SetTrackLock("audio", index, true) end)
        timeline:SetTrackLock("audio", index, false)
    end
end

-- --- placing ---------------------------------------------------------------------------------------------

local function append(editor, info)
    local added = editor.pool:AppendToTimeline({ info }) or {}
    return added[1] ~= nil
end

local function put_back(editor, removed)
    for _, old in ipairs(removed) do
        append(editor, {
            mediaPoolItem = old.media, startFrame = old.offset, endFrame = old.offset + old.frames,
            mediaType = AUDIO, trackIndex = old.track, recordFrame = old.start,
        })
    end
end

local function item_rate(editor, media)
    local told = media:GetClipProperty("FPS")
    local good, exact = pcall(rate.of, told)
    return good and exact or editor.rate
end

-- Take our own items out that lie where the music goes; returns what it takes to bring them back.
local function make_room(editor, folder, from, to)
    local items, removed = {}, {}
    for _, ours in ipairs(track.ours(editor, folder)) do
        if overlaps(ours.start, ours.last, from, to) then
            unlock(editor.timeline, ours.track)
            items[#items + 1], removed[#removed + 1] = ours.item, ours
            ours.frames = rate.converted(ours.last - ours.start, editor.rate, item_rate(editor, ours.media))
        end
    end
    if #items > 0 and not editor.timeline:DeleteClips(items, false)
        and not editor.timeline:DeleteClips(items, false) then -- known to refuse once for no reason
        trouble.raise("unfinished", "Resolve does not remove the music that is there.",
            "Delete it on the track " .. track.NAME .. " and try again.")
    end
    return removed
end

local function landed(editor, index, media, from)
    local path = media:GetClipProperty("File Path")
    local nearest
    for _, item in pairs(editor.timeline:GetItemListInTrack("audio", index) or {}) do
        if path_of(item) == path and (not nearest or math.abs(item:GetStart() - from) < math.abs(nearest:GetStart() - from)) then
            nearest = item
        end
    end
    return nearest
end

local function compare(editor, item, from, frames)
    local start, length = item:GetStart(), item:GetDuration()
    if start ~= from then
        trouble.raise("unfinished", ("Resolve put the music at frame %d, it belongs at frame %d."):format(start, from),
            "Move it there, or undo and try again.")
    elseif length ~= frames then
        say.line(("The music lies in its place but is %d frames long on the timeline and %d in its file: "
            .. "Resolve counts sound in the project's frame rate."):format(length, frames))
    end
end

-- Put music on the timeline.
--   media   as imported
--   first   the frame at which its first sample belongs, from the timeline's beginning
--   frames  its length in frames of the timeline
--   folder  of the takes: items whose files lie there are ours
function track.place(editor, media, first, frames, folder)
    editor.app:OpenPage("edit") -- elsewhere nothing can be deleted
    local from = editor.timeline:GetStartFrame() + first
    local removed = make_room(editor, folder, from, from + frames)
    local index = find(editor, folder, from, from + frames)
    unlock(editor.timeline, index)
    -- the end is exclusive, and both are counted in the rate that the project had when the file was imported
    local added = append(editor, {
        mediaPoolItem = media, startFrame = 0, endFrame = track.source_frames(editor, media, frames),
        mediaType = AUDIO, trackIndex = index, recordFrame = from,
    })
    local item = landed(editor, index, media, from)
    if not added or not item then
        put_back(editor, removed)
        trouble.raise("unfinished", "Resolve did not take the music onto the track " .. track.NAME .. ".",
            "It is in the bin V2M: drag it to the frame where it belongs.")
    end
    compare(editor, item, from, frames)
    return index
end

-- How long the music is, in the item's own frames: never more than the file has.
function track.source_frames(editor, media, frames)
    local own = item_rate(editor, media)
    if rate.same(own, editor.rate) then
        return frames
    end
    return math.min(rate.converted(frames, editor.rate, own), track.length(media) or math.huge)
end

-- The file's whole length in its own frames, as Resolve's property tells it; nil where it does not.
function track.length(media)
    local told = tostring(media:GetClipProperty("Frames") or "")
    return tonumber(told)
end

return track

end

parts["wishes"] = function()

-- What the user wants of the music: from a marker on the timeline, and else from the preferences.
--
-- Free Resolve has no dialog for scripts, but every Resolve has markers: the note of one that is named V2M
-- holds the words. A line such as `takes: 4` sets what it names; all other lines are the prompt.

local wishes = {}

local trouble = need("trouble")

local NUMBERS = {
    takes = true, seed = true, tempo = "tempo_bpm", freedom = "tempo_freedom", adherence = true, bend = "max_bend",
}
local TEXTS = { picture = true, lock = true, only = true, mute = true, solo = true, range = true }
local OF_A_PART = { "only", "mute", "solo", "range", "intensity" } -- of the music, which then keeps its words

wishes.ASK = "v2m"
wishes.STOP = "v2m stop"

local function plain(name)
    return (name or ""):lower():gsub("^%s+", ""):gsub("%s+$", "")
end

-- The frame of the marker of a name, and the marker; nil where there is none.
function wishes.marker(timeline, name)
    for frame, marker in pairs(timeline:GetMarkers() or {}) do
        if plain(marker.name) == name then
            return frame, marker
        end
    end
end

-- `cut-3=1.5, 10..14=-1` as pairs of where and how much.
local function amounts(text)
    local pairs_ = {}
    for each in text:gmatch("[^,]+") do
        local where, amount = each:match("^%s*(.-)%s*=%s*(%S+)%s*$")
        if not where or not tonumber(amount) then
            trouble.raise("usage", ("The marker V2M says intensity: %s, expected such as cut-3=1.5."):format(text))
        end
        pairs_[#pairs_ + 1] = { where, amount }
    end
    return pairs_
end

local function set(wanted, name, value)
    if NUMBERS[name] then
        local field = NUMBERS[name] == true and name or NUMBERS[name]
        wanted[field] = tonumber(value)
            or trouble.raise("usage", ("The marker V2M says %s: %s, expected a number."):format(name, value))
        return true
    elseif TEXTS[name] then
        wanted[name] = value
        return true
    elseif name == "intensity" then
        wanted.intensity = amounts(value)
        return true
    end
    return false
end

-- A note as prompt and fields.
function wishes.of_note(note)
    local wanted, words = {}, {}
    for line in (note or ""):gmatch("[^\r\n]+") do
        local name, value = line:match("^%s*(%a+)%s*:%s*(.-)%s*$")
        if not name or not set(wanted, name:lower(), value) then
            words[#words + 1] = line:match("^%s*(.-)%s*$")
        end
    end
    wanted.prompt = #words > 0 and table.concat(words, ", ") or nil
    return wanted
end

-- Whether only some of the music is to change.
function wishes.of_a_part(wanted)
    for _, name in ipairs(OF_A_PART) do
        if wanted[name] then
            return true
        end
    end
    return false
end

-- What is wanted now; `noted` is the prompt of the marker alone.
function wishes.read(timeline, preferences)
    local _, marker = wishes.marker(timeline, wishes.ASK)
    local wanted = wishes.of_note(marker and marker.note)
    wanted.noted = wanted.prompt
    wanted.prompt = wanted.prompt or (preferences.prompt ~= "" and preferences.prompt or nil)
    wanted.takes = wanted.takes or (preferences.takes ~= 1 and preferences.takes or nil)
    wanted.picture = wanted.picture or preferences.picture
    return wanted
end

return wishes

end

parts["session"] = function()

-- What every menu entry does: open the editor, do its work, put everything back, tell how it went.

local session = {}

local editor = need("editor")
local files = need("files")
local job = need("job")
local markers = need("markers")
local putback = need("putback")
local rate = need("rate")
local say = need("say")
local settings = need("settings")
local takes = need("takes")
local track = need("track")
local trouble = need("trouble")
local wishes = need("wishes")

local function open()
    local preferences = settings.read()
    say.open(preferences)
    markers.check_color(preferences.markers)
    local self = editor.open()
    self.preferences = preferences
    self.folder = takes.folder(self, preferences)
    editor.remember(self)
    return self
end

-- Run one menu entry to its end; says whether it went well.
function session.run(work)
    local good, thrown = pcall(putback.around, function()
        return work(open())
    end)
    if good then
        say.outcome(thrown)
    else
        say.failure(trouble.of(thrown))
    end
    return good
end

-- --- asking the daemon -----------------------------------------------------------------------------------

-- Whether the user set the marker `V2M stop`, which is taken away.
local function stopper(self)
    return function()
        local good, frame = pcall(wishes.marker, self.timeline, wishes.STOP)
        if good and frame then
            say.line("Stopping.")
            self.timeline:DeleteMarkerAtFrame(frame)
        end
        return good and frame ~= nil
    end
end

-- Have a job done: `fill(job, wants_stop)` puts what it needs into its folder and returns the fields of it.
function session.ask(self, first, kind, fill)
    job.check_daemon(self.preferences)
    local wants_stop = stopper(self)
    local asked = job.new(self.preferences)
    local fields = fill(asked, wants_stop)
    fields.kind = kind
    fields.out_dir = files.join(self.folder, asked.name) -- the inbox is swept, what is on a timeline must stay
    if wants_stop() then
        trouble.raise("cancelled", "Stopped; nothing was changed.")
    end
    takes.expect(self.folder, asked, first, kind)
    local good, result = pcall(function()
        job.submit(asked, fields)
        say.line('V2M is at work; a marker named "V2M stop" stops it.')
        return job.wait(asked, wants_stop, say.line, self.preferences.endpoint)
    end)
    if good or trouble.of(result).code ~= job.AWAY then
        takes.settle(self.folder, asked)
    end
    if not good then
        error(result, 0)
    end
    return result
end

-- --- bringing it in --------------------------------------------------------------------------------------

local function frames_of(self, told, take)
    local length_s = tonumber(told.duration_s)
    if not length_s then
        trouble.raise("unfinished", "V2M did not say how long the music is.", "Its file is " .. tostring(take.wav) .. ".")
    end
    return math.max(1, rate.frame(length_s, self.rate))
end

local function notes(told)
    for _, note in ipairs(type(told.notes) == "table" and told.notes or {}) do
        say.line(tostring(note))
    end
end

-- Import what a job made and place the best; the sentence that tells of it.
function session.bring(self, result, first)
    local made, told = takes.of_result(result, first)
    if not made[1].wav then
        trouble.raise("unfinished", "V2M named no music.", "See what `v2m jobs` says.")
    end
    local frames, paths = frames_of(self, told, made[1]), {}
    for index, take in ipairs(made) do
        paths[index], take.frames = take.wav, frames
    end
    takes.add(self.folder, made)
    if not editor.come_back(self) then
        trouble.raise("unfinished", "Another project is open now.", "Open the timeline and run V2M Takes.")
    end
    local media = track.import(self, paths)
    session.show(self, made[1], media[1])
    notes(told)
    return ("The music is on the track %s, %s."):format(track.NAME, session.how_well(told))
end

-- Put a take's music and markers on the timeline.
function session.show(self, take, media)
    track.place(self, media, take.first, take.frames, self.folder)
    markers.show(self, take, take.frames, self.preferences.markers)
end

function session.how_well(told)
    local sch = type(told.sch) == "table" and tonumber(told.sch.value)
    if not sch then
        return "as long as asked"
    end
    return ("hitting %.0f %% of the cuts"):format(100 * sch)
end

-- The take that is on the timeline (the latest of several), with the frame it lies at.
function session.placed(self)
    local latest, number
    for _, ours in ipairs(track.ours(self, self.folder)) do
        local take, its = takes.of_wav(self.folder, ours.path)
        if take and (not number or its > number) then
            latest, number = take, its
        end
    end
    if not latest then
        trouble.raise("usage", "There is no music of V2M on this timeline.", "Run V2M Score first.")
    end
    if not latest.take then
        trouble.raise("unsupported", "This music came without its take, so it cannot be changed.", "Run V2M Score again.")
    end
    return latest
end

return session

end

-- V2M Score: music for the timeline, or for what lies between its in and out marks.

local dialog = need("dialog")
local editor = need("editor")
local files = need("files")
local picture = need("picture")
local say = need("say")
local session = need("session")
local trouble = need("trouble")
local wishes = need("wishes")

local FIELDS = { "prompt", "takes", "seed", "tempo_bpm", "tempo_freedom", "adherence" }

local function range(self, wanted)
    if wanted.whole then
        return nil, nil
    elseif not editor.has_marks(self) then
        say.line("Before Resolve 20 scripts cannot read in and out marks: the whole timeline is scored.")
    end
    return editor.range(self)
end

local function fields_of(self, wanted, asked, first, last, wants_stop)
    local name = files.plain_name(self.name) .. ".otio"
    editor.export(self, files.join(asked.folder, name))
    local fields = { document = name }
    for _, field in ipairs(FIELDS) do
        fields[field] = wanted[field]
    end
    fields.in_point = first and ("%df"):format(first)
    fields.out_point = last and ("%df"):format(last)
    if wanted.picture == "render" then
        local from, to = first or 0, last or editor.length(self)
        fields.picture = picture.render(self, asked.folder, from, to, wants_stop)
    end
    return fields
end

session.run(function(self)
    local wanted = wishes.read(self.timeline, self.preferences)
    if not dialog.ask(self, self.preferences, wanted, "V2M Score") then
        trouble.raise("cancelled", "Nothing was done.")
    end
    local first, last = range(self, wanted)
    local result = session.ask(self, first or 0, "score", function(asked, wants_stop)
        return fields_of(self, wanted, asked, first, last, wants_stop)
    end)
    return session.bring(self, result, first or 0)
end)
