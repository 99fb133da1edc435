-- Windows as LuaJIT's `ffi` shows it, above a folder of this machine: `C:\x` is `ROOT/C/x`, `\\s\x` is `ROOT/s/x`.
--
-- Lua's own functions take names in the system's code page there, so with one that is not ASCII they fail.

local windows = {}

local real = require("ffi")
local plain_open, plain_rename, plain_remove = io.open, os.rename, os.remove

local function utf8_of(units)
    local parts, at = {}, 0
    while units[at] ~= 0 do
        local code = units[at]
        if code >= 0xD800 and code < 0xDC00 then
            at = at + 1
            code = 0x10000 + (code - 0xD800) * 0x400 + units[at] - 0xDC00
        end
        assert(code < 0xD800 or code >= 0xE000, "half a character in UTF-16")
        parts[#parts + 1] = windows.utf8(code)
        at = at + 1
    end
    return table.concat(parts)
end

function windows.new(root, utf8)
    windows.utf8 = utf8
    real.cdef("int mkdir(const char *name, unsigned int mode); int poll(void *none, unsigned long count, int ms);")
    local opened, shown = {}, {}

    local function map(path)
        assert(not path:find("/", 1, true), "no path of Windows: " .. path)
        local drive, rest = path:match("^(%a):\\(.*)$")
        local server = path:match("^\\\\(.*)$")
        assert(drive or server, "no absolute path of Windows: " .. path)
        return root .. "/" .. (drive and drive .. "/" .. rest or server):gsub("\\", "/")
    end

    local C = {}
    function C._wfopen(name, mode)
        local file = plain_open(map(utf8_of(name)), utf8_of(mode))
        local text = file and utf8_of(mode) == "rb" and not file:read(0) and file:seek("end") ~= 0
        if not file or text then
            return nil
        end
        opened[#opened + 1] = file
        return #opened
    end
    function C.fread(buffer, _, count, number)
        local text = opened[number]:read(count) or ""
        real.copy(buffer, text, #text)
        return #text
    end
    function C.fwrite(text, _, count, number)
        opened[number]:write(text:sub(1, count))
        return count
    end
    function C.fclose(number)
        opened[number]:close()
        return 0
    end
    function C._wremove(name)
        return plain_remove(map(utf8_of(name))) and 0 or -1
    end
    function C.CreateDirectoryW(name)
        return real.C.mkdir(map(utf8_of(name)), 448) == 0 and 1 or 0
    end
    function C.MoveFileExW(from, to, flags)
        assert(flags % 2 == 1, "a file that is there would not be replaced")
        return plain_rename(map(utf8_of(from)), map(utf8_of(to))) and 1 or 0
    end
    function C.Sleep(milliseconds)
        real.C.poll(nil, 0, milliseconds)
    end
    function C.MessageBoxW(_, text)
        shown[#shown + 1] = utf8_of(text)
        return 1
    end

    local function ascii_only(plain)
        return function(name, ...)
            if name:find("[\128-\255]") then
                return nil, name .. ": No such file or directory"
            end
            return plain(map(name), ...)
        end
    end
    io.open, os.rename, os.remove = ascii_only(plain_open), ascii_only(plain_rename), ascii_only(plain_remove)
    return { os = "Windows", C = C, cdef = function() end, new = real.new, string = real.string }, map, shown
end

return windows
