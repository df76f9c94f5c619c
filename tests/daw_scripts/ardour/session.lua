-- As much of an Ardour 7 session as the core writes into, with what ends a real one:
-- * a list lives as long as somebody holds it; its iterator does not (so garbage is collected at every step);
-- * the butler reads a playlist in use after every change: a region that is put on it meanwhile meets him there;
-- * and he may just have begun to read one that a track has turned away from: he needs a moment to get out;
-- * a list of what there is grows while it is walked: who makes more of it there never ends.
-- Times are ticks of Ardour. SCORE_FILES: path of a MIDI file -> { length, notes = { { time, pitch, length, velocity } } }.

local ids = 0
local function id_of (number)
	return { to_s = function () return tostring (number) end }
end

local function list (values)
	local held = { values = values }
	local weak = setmetatable ({ held = held }, { __mode = "v" })
	held.iter = function ()
		local at = 0
		return function ()
			collectgarbage ()
			if not weak.held then error ("a list is walked that is gone: Ardour dies") end
			at = at + 1
			if at > 1000 then error ("this list never ends: Ardour hangs") end
			local value = weak.held.values[at]
			if type (value) == "table" and value.pair then return value.pair[1], value.pair[2] end
			return value
		end
	end
	return held
end

local function beats (ticks)
	return { str = function () return string.format ("%d:%d", ticks // 1920, ticks % 1920) end }
end

local function time (ticks)
	return { ticks = ticks, beats = function () return beats (ticks) end }
end

-- regions -----------------------------------------------------------------------------------------------------------

ALL_REGIONS = {}

local function new_region (name, length, notes)
	ids = ids + 1
	local id = ids
	local region = { at = 0, called = name, long = length, notes = notes }
	function region:to_stateful () return { id = function () return id_of (id) end } end
	function region:to_midiregion ()
		return { isnil = function () return false end, model = function () return region end }
	end
	function region:start () return time (0) end
	function region:position () return time (self.at) end
	function region:length () return time (self.long) end
	function region:name () return self.called end
	function region:set_name (text) self.called = text end
	function region:trim_end (to) self.long = to.ticks - self.at end
	function region:locked () return false end
	function region:muted () return false end
	function region:automation_control () return { isnil = function () return true end } end
	ALL_REGIONS[#ALL_REGIONS + 1] = { pair = { id_of (id), region } }
	return region
end

-- playlists and tracks ----------------------------------------------------------------------------------------------

local BEING_READ = {} -- playlists that the butler may be at

local function new_playlist ()
	local playlist = { regions = {}, used = true }
	ids = ids + 1
	local id = ids
	BEING_READ[playlist] = true -- a new one is read as well
	function playlist:to_stateful ()
		return { clear_changes = function () end, id = function () return id_of (id) end }
	end
	function playlist:n_regions () return #self.regions end
	function playlist:to_statefuldestructible () return self end
	function playlist:region_list () return list (self.regions) end
	function playlist:add_region (region, position)
		if BEING_READ[self] then error ("the butler walks this playlist: Ardour dies") end
		region.at = position.ticks
		table.insert (self.regions, region)
		BEING_READ[self] = self.used
	end
	function playlist:remove_region (region)
		for i, other in ipairs (self.regions) do
			if other == region then table.remove (self.regions, i) end
		end
		BEING_READ[self] = self.used
	end
	return playlist
end

TRACKS = {}
REFUSES = false -- tracks do not turn to another playlist of theirs

local function new_track (name)
	local track = { called = name, said = "", list = new_playlist (), all = {} }
	track.all[1] = track.list
	local function turn_to (playlist)
		track.list.used = false
		for i = #SELECTED, 1, -1 do -- its regions are no longer shown
			for _, region in ipairs (track.list.regions) do
				if region == SELECTED[i] then table.remove (SELECTED, i) break end
			end
		end
		playlist.used = true
		BEING_READ[playlist] = true
		track.list = playlist
	end
	function track:use_new_playlist (kind)
		assert (kind == "midi")
		table.insert (self.all, new_playlist ())
		turn_to (self.all[#self.all])
		return 0
	end
	function track:find_and_use_playlist (kind, id)
		assert (kind == "midi")
		for _, playlist in ipairs (self.all) do
			if playlist:to_stateful ():id ():to_s () == id:to_s () and not REFUSES then turn_to (playlist) return 0 end
		end
		return -1
	end
	function track:name () return self.called end
	function track:comment () return self.said end
	function track:set_comment (text) self.said = text end
	function track:to_track () return self end
	function track:playlist () return self.list end
	function track:presentation_info_ptr () return { set_color = function () end } end
	TRACKS[#TRACKS + 1] = track
	return track
end

Session = {
	name = function () return "cue" end,
	path = function () return "/there" end,
	nominal_sample_rate = function () return 48000 end,
	actively_recording = function () return false end,
	get_tracks = function () return list (TRACKS) end,
	playlists = function ()
		return { playlists_for_track = function (self, track) return list (track.all) end }
	end,
	new_midi_track = function (self, ins, outs, strict, instrument, preset, group, many, name)
		return list ({ new_track (name) })
	end,
	begin_reversible_command = function () OPEN = { } end,
	add_stateful_diff_command = function (self, playlist) table.insert (OPEN, playlist) end,
	abort_empty_reversible_command = function () return #OPEN == 0 end,
	commit_reversible_command = function () UNDO = OPEN end,
	save_state = function () end,
	locations = function () return { list = function () return list ({}) end } end,
}

WINDOWS = 0 -- of progress, that came up

SELECTED = {} -- regions

Editor = {
	get_selection = function ()
		local there = {}
		for _, region in ipairs (SELECTED) do
			for _, track in ipairs (TRACKS) do
				for _, other in ipairs (track.list.regions) do
					if other == region then there[#there + 1] = region end
				end
			end
		end
		return { regions = { regionlist = function () return list (there) end } }
	end,
	regionview_from_region = function (self, region) return { of = region } end,
	set_selection = function (self, views, how)
		assert (how == "set")
		SELECTED = {}
		for i, view in ipairs (views) do SELECTED[i] = view.of end
	end,
	do_import = function (self, files)
		WINDOWS = WINDOWS + 1
		for _, path in ipairs (files) do
			local file, notes = SCORE_FILES[path], {}
			for i, note in ipairs (file.notes) do notes[i] = note end
			new_region (path:match ("([^/]+)%.mid$") .. ".Track-1", file.length, notes)
		end
	end,
}

-- names -------------------------------------------------------------------------------------------------------------

local function some () return {} end

local function vector ()
	return setmetatable ({}, { __index = { push_back = function (self, value) self[#self + 1] = value end } })
end

C = { StringVector = vector }
ArdourUI = { SelectionList = vector, SelectionOp = { Set = "set" } }
Editing = {}
Evoral = { Parameter = some }
Temporal = {
	ticks_per_beat = 1920,
	timepos_t = setmetatable ({ from_ticks = time }, { __call = function (self, samples) return time (samples) end }),
	TempoMap = { read = function () return { sample_at = function (self, at) return at.ticks * 24000 // 1920 end } end },
}
ARDOUR = {
	user_config_directory = function () return HOME end,
	ChanCount = some, DataType = function (name) return name end, PluginInfo = some, Track = some,
	PresentationInfo = {}, TrackMode = {}, SrcQuality = {}, MidiTrackNameSource = {}, MidiTempoMapDisposition = {},
	AutomationType = {},
	RegionFactory = {
		regions = function () return list (ALL_REGIONS) end,
		clone_region = function (region)
			return new_region (region.called, region.long, region.notes)
		end,
	},
	LuaAPI = {
		note_list = function (region)
			local notes = {}
			for i, n in ipairs (region.notes) do
				notes[i] = { time = function () return beats (n[1]) end, note = function () return n[2] end,
				             length = function () return beats (n[3]) end, velocity = function () return n[4] end }
			end
			return list (notes)
		end,
		usleep = function (microseconds)
			assert (math.type (microseconds) == "integer" and microseconds >= 10000)
			BEING_READ = {}
		end,
	},
}
