-- EMSYNC in Ardour: what the listener and the actions share. Loaded from the emsync folder of Ardour's settings.
--
-- The daemon's side leaves one request at a time there, as rows of tab-separated fields with a last row that counts
-- them; it is done in one undo step and answered in the same form. Decisions are made on the other side: this script
-- looks, and writes what it is told to, unless what it finds is not what was expected there.
--
-- Every track of ours has its ledger in its comment: a first line "EMSYNC CUE:PART", then "KEY<TAB>VALUE" lines:
--   item SECTION   REGION_ID PLAN_HASH SEEN_HASH TICK END
--   was SECTION    the same of the region before it, which comes back by undo
--   mark ID        SAMPLE NAME
--   tempo          QUARTERS HASH of the tempo map as it was written
--   map            HASH of the plan's tempo map and metre
--   channel, folder

local M = {}
M.PROTOCOL = "1"
local TICKS = 960      -- a quarter, of the score
local PER_TICK = Temporal.ticks_per_beat // TICKS
local HEAD = "EMSYNC "

function M.home ()
	return ARDOUR.user_config_directory (-1) .. "/emsync"
end

-- rows ------------------------------------------------------------------------------------------------------------

local PLAIN = { t = "\t", n = "\n", r = "\r" }
local ESCAPES = { ["\\"] = "\\\\", ["\t"] = "\\t", ["\n"] = "\\n", ["\r"] = "\\r" }

local function split (line)
	local fields = {}
	for field in (line .. "\t"):gmatch ("([^\t]*)\t") do
		fields[#fields + 1] = field:gsub ("\\(.)", function (c) return PLAIN[c] or c end)
	end
	return fields
end

-- The rows of a file; nil while it is not there or not whole.
function M.read (path)
	local file = io.open (path, "rb")
	if not file then return nil end
	local text = file:read ("a")
	file:close ()
	local rows = {}
	for line in text:gmatch ("([^\r\n]+)\r?\n") do
		rows[#rows + 1] = split (line)
	end
	local last = table.remove (rows)
	if not last or last[1] ~= "end" or tonumber (last[2]) ~= #rows then return nil end
	return rows
end

function M.write (path, rows)
	local lines = {}
	for _, row in ipairs (rows) do
		local fields = {}
		for i = 1, #row do
			fields[i] = tostring (row[i]):gsub ("[\\\t\n\r]", ESCAPES)
		end
		lines[#lines + 1] = table.concat (fields, "\t") .. "\n"
	end
	lines[#lines + 1] = "end\t" .. #rows .. "\n"
	local file = assert (io.open (path .. ".tmp", "wb"))
	file:write (table.concat (lines))
	file:close ()
	if os.rename (path .. ".tmp", path) then return end
	os.remove (path) -- Windows renames onto nothing; elsewhere the file is never gone
	assert (os.rename (path .. ".tmp", path))
end

-- FNV-1a, 64 bits: the hash of emsync's plan.
local function fnv (text)
	local value = 0xcbf29ce484222325
	for i = 1, #text do
		value = (value ~ text:byte (i)) * 0x100000001b3
	end
	return string.format ("%016x", value)
end

-- What a list of Ardour's holds. Its own iterator does not keep the list: one that a call has just made is collected as
-- garbage while it is walked, and Ardour dies.
local function each (list)
	local following = list:iter ()
	return function () return following (list) end
end

-- the ledger in the comment of a track ----------------------------------------------------------------------------

local function ledger_of (route)
	local lines = {}
	for line in (route:comment () .. "\n"):gmatch ("([^\n]*)\n") do
		lines[#lines + 1] = line
	end
	if not lines[1] or lines[1]:sub (1, #HEAD) ~= HEAD then return nil end
	local ledger = { id = lines[1]:sub (#HEAD + 1), keys = {}, values = {} }
	for i = 2, #lines do
		local key, value = lines[i]:match ("^([^\t]+)\t(.*)$")
		if key then
			ledger.keys[#ledger.keys + 1] = key
			ledger.values[key] = value
		end
	end
	return ledger
end

local function set (ledger, key, value)
	if value ~= nil and ledger.values[key] == nil then
		ledger.keys[#ledger.keys + 1] = key
	end
	ledger.values[key] = value
end

local function save_ledger (route, ledger)
	local lines = { HEAD .. ledger.id }
	for _, key in ipairs (ledger.keys) do
		if ledger.values[key] ~= nil then
			lines[#lines + 1] = key .. "\t" .. ledger.values[key]
		end
	end
	route:set_comment (table.concat (lines, "\n"), nil)
end

-- Tracks of ours: id -> { route, track, ledger }.
local function our_tracks (cue)
	local found = {}
	for route in each (Session:get_tracks ()) do
		local ledger = ledger_of (route)
		if ledger and (cue == nil or ledger.id:sub (1, #cue + 1) == cue .. ":") then
			found[ledger.id] = { route = route, track = route:to_track (), ledger = ledger }
		end
	end
	return found
end

local function by_id (tracks)
	local ids = {}
	for id in pairs (tracks) do ids[#ids + 1] = id end
	table.sort (ids)
	return ids
end

-- time ------------------------------------------------------------------------------------------------------------

-- Ticks of the score in something that prints as "BEATS:TICKS"; a fraction where it lies between two.
local function score_ticks (beats)
	local sign, whole, rest = beats:str ():match ("^(%-?)(%d+):(%d+)$")
	local ticks = tonumber (whole) * Temporal.ticks_per_beat + tonumber (rest)
	if sign == "-" then ticks = -ticks end
	if ticks % PER_TICK == 0 then return ticks // PER_TICK end
	return ticks / PER_TICK
end

local function at_tick (tick)
	return Temporal.timepos_t.from_ticks (tick * PER_TICK)
end

local function sample_at (tick)
	return Temporal.TempoMap.read ():sample_at (at_tick (tick))
end

-- A hash of where the first quarters lie, to the sample.
local function tempo_hash (quarters)
	local map, rows = Temporal.TempoMap.read (), {}
	for quarter = 0, quarters do
		rows[#rows + 1] = tostring (map:sample_at (at_tick (quarter * TICKS)))
	end
	return fnv (table.concat (rows, "\n"))
end

-- regions ---------------------------------------------------------------------------------------------------------

local function region_id (region)
	return region:to_stateful ():id ():to_s ()
end

local function number (value)
	if math.type (value) == "integer" then return tostring (value) end
	if value == math.floor (value) then return string.format ("%d", math.floor (value)) end
	return string.format ("%.4f", value)
end

local function less (a, b)
	for i = 1, #a do
		if a[i] ~= b[i] then return a[i] < b[i] end
	end
	return false
end

local function lines_of (tag, rows)
	table.sort (rows, less)
	local lines = {}
	for i, row in ipairs (rows) do
		local fields = { tag }
		for j, value in ipairs (row) do fields[j + 1] = number (value) end
		lines[i] = table.concat (fields, " ") .. "\n"
	end
	return table.concat (lines)
end

-- What a region holds, as the hash of a plan's item; times from its start. Controllers count on the part's channel.
function M.region_hash (region, our)
	local model = region:to_midiregion ():model ()
	local origin = score_ticks (region:start ():beats ())
	local notes, controls = {}, {}
	for note in each (ARDOUR.LuaAPI.note_list (model)) do
		notes[#notes + 1] = { score_ticks (note:time ()) - origin, note:note (), score_ticks (note:length ()),
		                      note:velocity () }
	end
	local channel = tonumber (our.ledger.values["channel"] or "0")
	for controller = 0, 127 do
		local parameter = Evoral.Parameter (ARDOUR.AutomationType.MidiCCAutomation, channel, controller)
		local control = model:automation_control (parameter, false)
		if not control:isnil () and not control:alist ():isnil () then
			for event in each (control:alist ():events ()) do
				controls[#controls + 1] = { score_ticks (event.when:beats ()) - origin, controller, event.value }
			end
		end
	end
	return fnv (lines_of ("n", notes) .. lines_of ("c", controls))
end

local function span_of (region)
	local first = score_ticks (region:position ():beats ())
	return first, first + score_ticks (region:length ():beats ())
end

local function regions_of (playlist)
	local found = {}
	for region in each (playlist:region_list ()) do
		if not region:to_midiregion ():isnil () then
			found[region_id (region)] = region
		end
	end
	return found
end

-- requests --------------------------------------------------------------------------------------------------------

local DO = {}

-- Rows of everything of a cue that is there. Request: look CUE, then tick TICK ...
function DO.look (request, answer)
	local cue, others = request[1][2], 0
	local ours = our_tracks (cue)
	for route in each (Session:get_tracks ()) do
		local ledger = ledger_of (route)
		if not (ledger and ours[ledger.id]) then
			for _ in each (route:to_track ():playlist ():region_list ()) do others = others + 1 end
		end
	end
	answer[#answer + 1] = { "session", Session:name (), Session:path (), Session:nominal_sample_rate (), others }
	for i = 2, #request do
		answer[#answer + 1] = { "tick", request[i][2], sample_at (tonumber (request[i][2])) }
	end
	for location in each (Session:locations ():list ()) do
		if location:is_mark () then
			answer[#answer + 1] = { "mark", location:start ():samples (), location:name () }
		end
	end
	for _, id in ipairs (by_id (ours)) do
		M.beat ()
		M.look_at_track (id, ours[id], answer)
	end
end

-- Region, hashes and span of a line of the ledger; nil when that region is not there.
function M.item_of (value, regions)
	local name, plan, seen, tick, ends = value:match ("^(%S+) (%S+) (%S+) (%S+) (%S+)$")
	if name and regions[name] then return name, plan, seen, tick, ends end
	return nil
end

function M.look_at_track (id, our, answer)
	answer[#answer + 1] = { "track", id, our.route:name () }
	local regions, known = regions_of (our.track:playlist ()), {}
	for _, key in ipairs (our.ledger.keys) do
		local value = our.ledger.values[key]
		local section = key:match ("^item (.+)$")
		if section then
			local name, plan, seen, tick, ends = M.item_of (value, regions)
			if not name then -- it was undone: what was there before is back
				name, plan, seen, tick, ends = M.item_of (our.ledger.values["was " .. section] or "", regions)
			end
			local region = regions[name]
			if region then
				known[name] = true
				local first, last = span_of (region)
				local moved = number (first) ~= tick or number (last) ~= ends
				local locked = (region:locked () or region:muted ()) and 1 or 0
				answer[#answer + 1] = { "item", id, section, name, plan, seen, M.region_hash (region, our), tick, ends,
				                        moved and 1 or 0, locked }
			end
		elseif key:match ("^was ") then
			goto next
		elseif key == "tempo" then
			local quarters, hash = value:match ("^(%d+) (%S+)$")
			answer[#answer + 1] = { "tempo", hash, tempo_hash (tonumber (quarters)) }
		else
			answer[#answer + 1] = { "kept", id, key, value }
		end
		::next::
	end
	for name, region in pairs (regions) do
		if not known[name] then
			local first, last = span_of (region)
			answer[#answer + 1] = { "other", id, number (first), number (last), region:name () }
		end
	end
end

local WRITE = {}

-- tempo FILE: the tempo map and metre of a MIDI file become the session's.
function WRITE.tempo (row)
	M.import ({ row[2] }, ARDOUR.MidiTempoMapDisposition.SMFTempoUse)
end

-- unmark SAMPLE NAME
function WRITE.unmark (row)
	for location in each (Session:locations ():list ()) do
		if location:is_mark () and location:name () == row[3] and location:start ():samples () == tonumber (row[2]) then
			Session:locations ():remove (location)
			return
		end
	end
end

-- mark SAMPLE NAME. Ardour makes none where there is one already.
function WRITE.mark (row, state, answer)
	local before = {}
	for location in each (Session:locations ():list ()) do
		before[location:name () .. "\t" .. location:start ():samples ()] = true
	end
	Editor:add_location_mark (Temporal.timepos_t (tonumber (row[2])))
	for location in each (Session:locations ():list ()) do
		if location:is_mark () and not before[location:name () .. "\t" .. location:start ():samples ()] then
			location:set_name (row[3])
			return
		end
	end
	answer[#answer + 1] = { "unmarked", row[2], row[3] }
end

-- track ID NAME COLOUR CHANNEL: it is there afterwards.
function WRITE.track (row, state)
	if state.tracks[row[2]] then return end
	local midi = ARDOUR.ChanCount (ARDOUR.DataType ("midi"), 1)
	local audio = ARDOUR.ChanCount (ARDOUR.DataType ("audio"), 2)
	local made = Session:new_midi_track (midi, audio, true, ARDOUR.PluginInfo (), nil, nil, 1, row[3],
	                                     ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
	for track in each (made) do
		track:presentation_info_ptr ():set_color (tonumber (row[4]) << 8 | 0xff)
		local our = { route = track, track = track:to_track (), ledger = { id = row[2], keys = {}, values = {} } }
		set (our.ledger, "channel", row[5])
		save_ledger (track, our.ledger)
		state.tracks[row[2]] = our
		return
	end
	error ("Ardour made no track " .. row[3])
end

-- Whether the region that is to go is as it was when it was looked at.
local function is_as_expected (our, region, hash)
	return region and M.region_hash (region, our) == hash
end

-- Tracks whose regions change turn to an empty playlist meanwhile, and then back. Ardour reads and draws a playlist in use
-- anew after every change; of a long one, that takes longer each time. And it would not live through it: a region that a
-- playlist has got is sorted into it a second time after the playlist's lock is released (`Playlist::region_bounds_changed`,
-- Ardour 7), and the butler, who often waits for just that lock, walks the list while it is changed.
local MOMENT_US = 20000 -- for a butler who was about to read

local function midi ()
	return ARDOUR.DataType ("midi")
end

local function empty_playlist_of (track, used)
	for other in each (Session:playlists ():playlists_for_track (track)) do
		if other:n_regions () == 0 and other:to_stateful ():id ():to_s () ~= used then return other end
	end
	return nil
end

local function set_aside (our)
	local playlist = our.track:playlist ()
	local id = playlist:to_stateful ():id ()
	local empty = empty_playlist_of (our.track, id:to_s ())
	if empty then
		our.track:find_and_use_playlist (midi (), empty:to_stateful ():id ())
	else
		our.track:use_new_playlist (midi ())
	end
	if our.track:playlist ():to_stateful ():id ():to_s () == id:to_s () then error ("Ardour keeps a track busy", 0) end
	playlist:to_stateful ():clear_changes ()
	return playlist
end

-- The names of tracks that did not turn back.
local function take_back (state)
	local left = {}
	for id, playlist in pairs (state.aside) do
		local our = state.tracks[id]
		if our.track:find_and_use_playlist (midi (), playlist:to_stateful ():id ()) ~= 0 then
			left[#left + 1] = our.route:name ()
		end
	end
	return left
end

-- Ids of the regions that are selected. Those of a track that turns to another playlist are so no longer.
local function selected_regions ()
	local ids = {}
	for region in each (Editor:get_selection ().regions:regionlist ()) do ids[region_id (region)] = true end
	return ids
end

-- Select them again, the new ones where they came instead of others: so the next take can be asked for.
local function select_again (ids)
	if not next (ids) then return end
	local views = ArdourUI.SelectionList ()
	for route in each (Session:get_tracks ()) do
		for region in each (route:to_track ():playlist ():region_list ()) do
			if ids[region_id (region)] then views:push_back (Editor:regionview_from_region (region)) end
		end
	end
	Editor:set_selection (views, ArdourUI.SelectionOp.Set)
end

function M.new_among (after, before)
	for id, region in pairs (after) do
		if not before[id] then return region end
	end
	error ("Ardour put no region on the track")
end

-- put TRACK SECTION NAME TICK END FILE PLAN_HASH OLD_REGION OLD_HASH: instead of the old region, if there is one.
function WRITE.put (row, state, answer)
	local our = state.tracks[row[2]]
	local tick, last = tonumber (row[5]), tonumber (row[6])
	local playlist = state.aside[row[2]]
	local before = regions_of (playlist)
	local old = row[9] ~= "" and before[row[9]] or nil
	if row[9] ~= "" and not is_as_expected (our, old, row[10]) then
		answer[#answer + 1] = { "put", row[2], row[3], "kept" }
		return
	end
	local imported = state.imported[row[7]]
	imported:set_name (row[4])
	imported:trim_end (at_tick (last - tick))
	playlist:add_region (imported, at_tick (tick), 1, false)
	local region = M.new_among (regions_of (playlist), before) -- the playlist holds a copy
	state.changed[row[2]], state.touched[row[2]] = true, true
	if old then
		playlist:remove_region (old)
		if state.selected[row[9]] then state.selected[region_id (region)] = true end
	end
	local id, seen = region_id (region), M.region_hash (region, our)
	local first, ends = span_of (region)
	set (our.ledger, "was " .. row[3], our.ledger.values["item " .. row[3]])
	set (our.ledger, "item " .. row[3], table.concat ({ id, row[8], seen, number (first), number (ends) }, " "))
	answer[#answer + 1] = { "put", row[2], row[3], "written", id, seen }
end

-- drop TRACK SECTION REGION HASH
function WRITE.drop (row, state, answer)
	local our = state.tracks[row[2]]
	local playlist = state.aside[row[2]]
	local old = regions_of (playlist)[row[4]]
	if not is_as_expected (our, old, row[5]) then
		answer[#answer + 1] = { "put", row[2], row[3], "kept" }
		return
	end
	playlist:remove_region (old)
	state.changed[row[2]], state.touched[row[2]] = true, true
	set (our.ledger, "item " .. row[3], nil)
	answer[#answer + 1] = { "put", row[2], row[3], "removed" }
end

-- keep TRACK KEY VALUE: a line of the ledger; without a value it is taken out.
function WRITE.keep (row, state)
	local our = state.tracks[row[2]]
	set (our.ledger, row[3], row[4] ~= "" and row[4] or nil)
	state.changed[row[2]] = true
end

-- keep_tempo TRACK QUARTERS SAMPLE: the tempo map is as it was written; the last of the quarters begins at the sample.
function WRITE.keep_tempo (row, state)
	local our = state.tracks[row[2]]
	local off = math.abs (sample_at (tonumber (row[3]) * TICKS) - tonumber (row[4]))
	if off * 1000 > Session:nominal_sample_rate () then error ("Ardour did not take over the tempo map", 0) end
	set (our.ledger, "tempo", row[3] .. " " .. tempo_hash (tonumber (row[3])))
	state.changed[row[2]] = true
end

function WRITE.save (row)
	Session:save_state ("")
end

function M.import (files, tempo)
	local paths = C.StringVector ()
	for _, file in ipairs (files) do paths:push_back (file) end
	Editor:do_import (paths, Editing.ImportDistinctFiles, Editing.ImportAsRegion, ARDOUR.SrcQuality.SrcBest,
	                  ARDOUR.MidiTrackNameSource.SMFTrackName, tempo, Temporal.timepos_t (0), ARDOUR.PluginInfo (),
	                  ARDOUR.Track (), false)
end

-- The stem of a file's name, as Ardour begins the name of the region with.
local function stem_of (path)
	return path:match ("([^/\\]+)%.mid$") .. "."
end

-- File -> a new region with what it holds, not on any track yet. One import for all of them: each has a window of its own.
function M.imported (files)
	local before, found = {}, {}
	if #files == 0 then return found end
	for id, _ in each (ARDOUR.RegionFactory.regions ()) do before[id:to_s ()] = true end
	M.import (files, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore)
	for id, region in each (ARDOUR.RegionFactory.regions ()) do
		if not before[id:to_s ()] and not region:to_midiregion ():isnil () then
			local best, longest = nil, ""
			for _, file in ipairs (files) do
				local stem = stem_of (file)
				if region:name ():sub (1, #stem) == stem and #stem > #longest then best, longest = file, stem end
			end
			if best then found[best] = region end
		end
	end
	for _, file in ipairs (files) do -- not above: a clone is one more of the regions that are walked there
		if not found[file] then error ("Ardour imported nothing from " .. file) end
		found[file] = ARDOUR.RegionFactory.clone_region (found[file], true, false)
	end
	return found
end

-- What changes regions is undone as one; Ardour's own import and its markers are steps of their own.
local UNDOABLE = { put = true, drop = true }

function M.change_regions (rows, state, answer)
	if #rows == 0 then return end
	state.selected = selected_regions ()
	for _, row in ipairs (rows) do
		if not state.aside[row[2]] then state.aside[row[2]] = set_aside (state.tracks[row[2]]) end
	end
	ARDOUR.LuaAPI.usleep (MOMENT_US)
	for _, row in ipairs (rows) do
		M.beat ()
		WRITE[row[1]] (row, state, answer)
	end
end

-- write CUE, then what to write, in order.
function DO.write (request, answer)
	if Session:actively_recording () then error ("it is recording", 0) end
	local state = { tracks = our_tracks (request[1][2]), changed = {}, aside = {}, touched = {} }
	local together, files = {}, {}
	for i = 2, #request do
		local row = request[i]
		if WRITE[row[1]] == nil then error ("this script does not know " .. row[1], 0) end
		if UNDOABLE[row[1]] then
			together[#together + 1] = row
			if row[1] == "put" then files[#files + 1] = row[7] end
		else
			M.beat ()
			WRITE[row[1]] (row, state, answer)
		end
	end
	state.imported = M.imported (files)
	Session:begin_reversible_command ("EMSYNC")
	local ok, why = pcall (M.change_regions, together, state, answer)
	local left = take_back (state)
	for id in pairs (state.touched) do
		Session:add_stateful_diff_command (state.aside[id]:to_statefuldestructible ())
	end
	if not Session:abort_empty_reversible_command () then
		Session:commit_reversible_command (nil)
	end
	if next (state.aside) then select_again (state.selected) end
	for id in pairs (state.changed) do
		save_ledger (state.tracks[id].route, state.tracks[id].ledger)
	end
	if #left > 0 then
		error ("Ardour left tracks on an empty playlist; what was on them is in the playlist of the same name, in the "
		       .. "menu of their button P: " .. table.concat (left, ", "), 0)
	end
	if not ok then error (why, 0) end
end

-- select: what the user has selected.
function DO.select (request, answer)
	M.selection (answer)
end

-- the mailbox -----------------------------------------------------------------------------------------------------

-- The number of this process, where the system tells it (Linux).
local function process ()
	local file = io.open ("/proc/self/stat", "r")
	if not file then return "" end
	local number = file:read ("n")
	file:close ()
	return number and string.format ("%d", number) or ""
end

function M.alive ()
	M.write (M.home () .. "/alive.tsv", {
		{ "alive", M.PROTOCOL, os.time (), Session:name (), Session:path (), Session:nominal_sample_rate (),
		  M.doing or "", process () },
	})
end

-- A sign of life, once a second at most: in long work as well, so that it is seen to go on.
local last_beat = 0

function M.beat ()
	local now = os.time ()
	if now == last_beat then return end
	M.alive ()
	last_beat = now
end

-- Do the request that waits, if there is one.
function M.receive ()
	local path = M.home () .. "/request.tsv"
	local request = M.read (path)
	if not request then return false end
	os.remove (path)
	local head = table.remove (request, 1) -- request PROTOCOL ID
	local answer = {}
	M.doing = head[3]
	M.alive ()
	local ok, why = pcall (function ()
		if head[2] ~= M.PROTOCOL then
			error ("this script is version " .. M.PROTOCOL .. " of EMSYNC's, the request " .. tostring (head[2]), 0)
		end
		local act = DO[request[1][1]]
		if act == nil then error ("this script does not know " .. request[1][1], 0) end
		act (request, answer)
	end)
	M.doing = nil
	M.alive () -- it may have taken a while
	table.insert (answer, 1, { "answer", head[3], ok and "ok" or "error", ok and "" or tostring (why) })
	M.write (M.home () .. "/answer-" .. head[3] .. ".tsv", answer)
	return true
end

-- What Ardour calls ten times a second. An error would take the listener out of Ardour's hooks for good.
function M.listener ()
	local said = nil
	local function look ()
		if not Session then return end
		M.beat ()
		M.receive ()
	end
	return function ()
		local ok, why = pcall (look)
		if not ok and why ~= said then
			said = why
			print ("EMSYNC: " .. tostring (why))
		end
	end
end

-- from inside -----------------------------------------------------------------------------------------------------

-- Rows for the range and the tracks that are selected: time range, else the selected regions, else the loop.
function M.selection (rows)
	local selected = Editor:get_selection ()
	local first, last
	if selected.time:start_sample () < selected.time:end_sample () then
		first, last = selected.time:start_sample (), selected.time:end_sample ()
	end
	local tracks = {}
	for route in each (selected.tracks:routelist ()) do
		tracks[route:name ()] = true
	end
	for region in each (selected.regions:regionlist ()) do
		if first == nil or region:position ():samples () < first then first = region:position ():samples () end
		local ends = region:position ():samples () + region:length ():samples ()
		if last == nil or ends > last then last = ends end
		for _, our in pairs (our_tracks ()) do
			if regions_of (our.track:playlist ())[region_id (region)] then tracks[our.route:name ()] = true end
		end
	end
	if first == nil then
		local loop = Session:locations ():auto_loop_location ()
		if loop then first, last = loop:start ():samples (), loop:_end ():samples () end
	end
	if first == nil then error ("select a range, regions, or set the loop first", 0) end
	local rate, ours, cue, folder = Session:nominal_sample_rate (), our_tracks (), nil, nil
	for _, id in ipairs (by_id (ours)) do
		cue = cue or id:match ("^[^:]+")
		folder = folder or ours[id].ledger.values["folder"]
	end
	rows[#rows + 1] = { "selection", cue or "", string.format ("%.9f", first / rate), string.format ("%.9f", last / rate),
	                    folder or "" }
	for _, id in ipairs (by_id (ours)) do
		if tracks[ours[id].route:name ()] then rows[#rows + 1] = { "part", id } end
	end
end

local function quoted (word, windows)
	if windows then return '"' .. word:gsub ('"', "") .. '"' end
	return "'" .. word:gsub ("'", "'\\''") .. "'"
end

-- Have EMSYNC make another take of what is selected; it comes back through the mailbox.
function M.regenerate ()
	local rows = {}
	M.selection (rows)
	if rows[1][2] == "" then error ("there is no score of EMSYNC in this session; send one first", 0) end
	local path = M.home () .. "/ask.tsv"
	M.write (path, rows)
	local program = M.read (M.home () .. "/program.tsv")
	if not program then error ("send a score from EMSYNC first, so that it is known where it is", 0) end
	local words, windows = {}, program[1][1] == "windows"
	for i = 2, #program[1] do words[#words + 1] = quoted (program[1][i], windows) end
	words[#words + 1] = quoted (M.home (), windows)
	local command = table.concat (words, " ")
	if windows then
		os.execute ('start "EMSYNC" /b ' .. command)
	else
		-- Ardour's own libraries are not for other programs
		os.execute ("unset LD_LIBRARY_PATH DYLD_LIBRARY_PATH; " .. command .. " >/dev/null 2>&1 &")
	end
end

return M
