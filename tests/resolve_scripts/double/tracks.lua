-- The audio tracks of a timeline: mono unless told, and changed on the Edit page only.

return function(world, self)
    local function audio(kind, index)
        return kind == "audio" and self.tracks[index] or nil
    end
    return {
        GetTrackCount = function(_, kind) return kind == "audio" and #self.tracks or 1 end,
        AddTrack = function(_, kind, how)
            how = type(how) == "table" and how.audioType or how
            self.tracks[#self.tracks + 1] = { name = "Audio " .. #self.tracks + 1, subtype = how or "mono", items = {} }
            return true
        end,
        GetTrackSubType = function(_, kind, index) return audio(kind, index) and audio(kind, index).subtype or "" end,
        GetTrackName = function(_, kind, index) return audio(kind, index) and audio(kind, index).name or "" end,
        SetTrackName = function(_, kind, index, name)
            audio(kind, index).name = name
            return true
        end,
        GetIsTrackLocked = function(_, kind, index) return audio(kind, index).locked or false end,
        SetTrackLock = function(_, kind, index, locked)
            audio(kind, index).locked = locked
            return true
        end,
        GetItemListInTrack = function(_, kind, index)
            local list = {}
            for at, item in ipairs(audio(kind, index) and audio(kind, index).items or {}) do
                list[at] = item.api
            end
            return list
        end,
        DeleteClips = function(_, items)
            if world.page ~= "edit" then
                return false
            end
            world.flaky = (world.flaky or 0) - 1
            if world.flaky >= 0 then
                return false
            end
            for _, wanted in ipairs(items) do
                for _, track in ipairs(self.tracks) do
                    for at = #track.items, 1, -1 do
                        if track.items[at].api == wanted then
                            if track.locked then
                                return false
                            end
                            table.remove(track.items, at)
                        end
                    end
                end
            end
            return true
        end,
    }
end

