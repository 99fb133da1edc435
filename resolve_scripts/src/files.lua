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
