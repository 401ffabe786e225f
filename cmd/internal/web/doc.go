// Package web is the page of the command: one process that watches a gateway and its network, and
// browsers that look at it.
//
// # Access
//
// A [Server] listens on loopback and prints an address with a secret in its fragment,
// http://127.0.0.1:PORT/#t=SECRET. Static files want only the right Host. Every path under /api/
// wants "Authorization: Bearer SECRET", reads included; no cookie and no query carries it. Changes
// are POST with Content-Type application/json (an empty body is {}), 64 KiB at most; see
// /api/import and /api/wire/open for larger ones.
//
// Refused by the guard: 403, no body. Otherwise an error has a JSON body, a failure:
//
//	{"error": "port 9542/tcp is taken by 192.168.1.20 port 80", "kind": "refused",
//	 "upnpCode": 718, "upnpName": "ConflictInMappingEntry", "hint": "choose another port"}
//
// kind is usage (400: this cannot be sent; "field" may name the member at fault), notFound (404),
// noGateway (409), busy (503), refused, unverified, timeout, failed, cancelled. 405, 413 and 415
// have no body.
//
// # The stream
//
// GET /api/stream answers NDJSON without an end: one JSON object a line, its "type" as below. It
// begins with the whole present (hello, search, following, gateway, table, kept, drift, jobs not yet
// over and the last ten, server, check, devices, subscriptions, emulator, the last log lines), and
// each later line replaces or adds to what was told, as said below. A reader who is too slow is
// disconnected; connecting again begins anew. A line {"type":"idle"} comes at least every 10 s: after
// 25 s without any line the connection is lost. Browsers allow six connections to one server, so a
// tab holds one stream, and a hidden tab had better drop it.
//
//	hello      {"version", "stream": id, "emulated": bool, "started": time, "now": time,
//	           "hostname", "addresses": [own addresses],
//	           "defaults": {"leaseSeconds": 3600, "testPort": 9542},
//	           "presets": [{"name": "Minecraft", "ports": [{"protocol": "TCP", "from": 25565, "to": 25565}]}],
//	           "risks": [{"port": 22, "what": "SSH"}]}  ports that want "iKnow": true
//	search     {"state": "searching"|"found"|"none", "target": text or "", "started": time,
//	           "elapsedSeconds": n, "interfaces": [name], "skipped": ["wlan0: is down"],
//	           "candidates": [candidate], "rejected": [{"location", "friendlyName", "reason"}],
//	           "failures": [text], "error": failure or null}. Replaces the last. Comes when something
//	           changes and once a second while searching.
//	           candidate: {"location", "udn", "friendlyName", "localAddress", "externalAddress",
//	           "addressClass", "chosen": bool}
//	gateway    {"state": "none"|"reading"|"ready"|"lost", "reason": text, "gateway": null or the
//	           object of "upnp info --json"}. Replaces the last. "reading" has only what the
//	           description tells; status, counters and so on follow with "ready". After "lost" the
//	           gateway is as it was last seen.
//	following  {"on": bool, "source": "live"|"polling"|"", "reason": text, "since": time}
//	table      {"state": "reading"|"ready"|"failed", "at": time, "from": 0, "count": n or -1,
//	           "mappings": [row], "error": failure or null}. Parts of at most 500 rows in order; "from"
//	           0 begins a new table, "state" other than "reading" ends it. While it is read for the first
//	           time the parts come as they are read; the page shows them at once.
//	           row: a mapping as in the command's JSON, and "id" ("9542/tcp", with a remote host
//	           "9542/tcp/198.51.100.7"), "mine": bool, "expires": time or absent if permanent
//	change     {"change": as "upnp watch --json", "count": n, "source": "live"|"polling"|"own"}. Of kind
//	           mappings, "added" and "removed" are rows, and are to be applied to the table by id,
//	           removed first; an altered row is in both, and so is one whose lease was renewed. "own" is what a
//	           job of the page, or its keeper, did.
//	traffic    {"time", "bytesSent", "bytesReceived", "packetsSent", "packetsReceived",
//	           "sendRate", "receiveRate": bytes a second, "error": failure or null}. Totals go on where
//	           32-bit counters wrap. Only for streams that ask, see /api/stream.
//	kept       {"mappings": [{"id", "asked": mapping, "state": "asking"|"open"|"renewed"|"lost"|"conflict"|
//	           "unverified"|"refused"|"removed"|"left", "reason", "since": time, "mapping": mapping or
//	           null, "error": failure or null}]}. Replaces the last. What the page keeps open by itself.
//	drift      {"mappings": [row and "reason": "expired"|"missing"|"changed", "since": time]}. Replaces
//	           the last: mappings made here in this session that the router has no more.
//	job        {"job": job}. Replaces the job of that id.
//	           job: {"id", "verb": "add"|"edit"|"delete"|"enable"|"disable"|"renew"|"restore"|"import"|
//	           "refresh"|"search"|"check"|"open"|"close"|"devices", "what": "9542/tcp" or "3 mappings",
//	           "state": "waiting"|"running"|"done"|"failed"|"cancelled", "started", "ended": times,
//	           "step": text, "done": n, "total": n, "results": [result], "error": failure or null}. "results" are
//	           told when the job is over.
//	           result: {"id", "outcome": "open"|"changed"|"removed"|"same"|"unverified"|"refused"|"failed",
//	           "before": mapping or null, "grant": {"asked", "mapping", "verified", "tried", "notes"} or
//	           null, "error": failure or null}. "notes" say in words what the router changed.
//	           "failed" with results is a job of which some failed: "done" needs all.
//	server     {"running": bool, "port": n, "url": text inside, "publicUrl": text or "", "mapping": row or
//	           null, "since": time, "ends": time, "visitors": [{"time", "address", "own": bool,
//	           "knew": bool}]}. Replaces the last. The built-in test server, which has one page, that of "url", and
//	           answers nobody else. "knew" is a visitor who got it.
//	check      {"running": bool, "check": null or the object of "upnp check --json", "at": time}. While it runs,
//	           the verdicts that are not known yet are "".
//	wire       {"messages": [message], "missed": n}. Adds. Only for streams that ask.
//	           message: see /api/wire/messages
//	cleared    {}. The recorded messages are gone.
//	devices    {"searching": bool, "devices": [device]}. Replaces the last.
//	           device: {"id", "location", "address", "friendlyName", "deviceType", "udn", "manufacturer",
//	           "modelName", … all of the command's device object, "services": [{"id", "type", "serviceId",
//	           "controlUrl", "eventUrl", "scpdUrl"}], "devices": [device], "notes": [text],
//	           "error": text}. Only a root device has location, address, notes and error.
//	subscriptions {"subscriptions": [{"id", "device", "service", "name", "since": time, "state": "open"|
//	           "lost"|"ended", "reason"}]}. Replaces the last.
//	event      {"time", "subscription", "device", "service", "name", "seq": n, "properties":
//	           [{"name", "value"}]}. Adds.
//	emulator   {"profile", "location", "external", "mappings": n, "state": "on"|"rebooting", "quirks":
//	           [{"name", "doc", "on": bool, "restarts": bool}]}. Replaces the last; never comes without
//	           --emulated. A quirk that "restarts" makes the router reboot when it is switched.
//	log        {"time", "level": "info"|"good"|"bad", "text"}. Adds: what happened, in a sentence.
//
// Times are RFC 3339 with milliseconds, by the clock of the server ("now" in hello tells it).
//
// # Calls
//
// Those marked job answer 202 {"job": id} and go on; lines of the stream tell what becomes of it.
// What is malformed is answered 400 and nothing is begun. Others answer 200 with what is said.
//
//	POST /api/stream               {"stream": id, "traffic": bool, "wire": bool}: what that stream wants
//	                               besides; on "wire": true it begins with the last 1000 messages
//	GET  /api/state                the same present as the stream begins with, as {"lines": [...]}
//	POST /api/search               {"target": "" or URL, IP or UDN}: job. Looks for a gateway again, or takes that one
//	POST /api/refresh              {}: job. Reads gateway and table anew
//	POST /api/following            {"on": bool}
//	POST /api/jobs/{id}/cancel     {}
//	POST /api/mappings/add         {"protocol": "TCP"|"UDP"|"BOTH", "externalPort": n, "externalPortEnd": n or 0,
//	                               "internalClient": "" for this host, "internalPort": 0 for the same,
//	                               "remoteHost", "description", "leaseSeconds": n, "enabled": bool (default true),
//	                               "anyPort": bool, "keep": bool, "foreign": bool (another client than this host),
//	                               "iKnow": bool}: job. With several, "mappings": [such objects]
//	POST /api/mappings/edit        {"id", then any of "externalPort", "internalClient", "internalPort",
//	                               "description", "leaseSeconds", "enabled", and "foreign", "iKnow"}: job
//	POST /api/mappings/delete      {"ids": [id]}: job. "foreign": true if one is another host's, else 400
//	POST /api/mappings/enable, disable, renew   {"ids": [id], "foreign": bool}: job. renew: "leaseSeconds" or 0
//	                               for the lease each was asked for
//	POST /api/mappings/keep        {"ids": [id], "on": bool}: keeps open, or stops keeping (the mapping stays)
//	POST /api/drift/restore        {"ids": [id]}, all if empty: job
//	POST /api/drift/forget         {"ids": [id]}, all if empty
//	GET  /api/export?mine=1        the mappings file, text/plain
//	POST /api/import               {"text": mappings file, "prune": bool, "dryRun": bool, "iKnow": bool}, 4 MiB:
//	                               job; with dryRun 200 {"changes": [{"change": "add"|"edit"|"delete",
//	                               "mapping": row, "before": row or null}]}
//	POST /api/server/start         {"port": n, "map": bool, "check": bool, "iKnow": bool}: job "open"
//	POST /api/server/stop          {}: job "close"; takes the mapping away again
//	POST /api/check                {"externalPort": n, "protocol"}: job
//	GET  /api/wire/messages?log=live&before=id&limit=n   {"messages": [message], "first": id, "more": bool},
//	                               the newest before that id. message: {"id", "time", "flow", "exchange":
//	                               n (what belongs together), "incoming": bool (towards us), "net": "udp"|"tcp",
//	                               "local", "peer", "kind", "summary", "answers": id or 0, "refused": bool,
//	                               "roundTripMs": n or absent, "bytes": n, "error"}
//	GET  /api/wire/messages/{id}?log=live          message with "head": text, "xml": indented text or "",
//	                               "text": body that is no XML, "notes": [text]
//	GET  /api/wire/messages/{id}/bytes?log=live    exact bytes, application/octet-stream
//	POST /api/wire/clear           {}
//	GET  /api/wire/download?log=live               a .wire file; with &redact=1 it has stand-ins for addresses and
//	                               names that tell whose network it is
//	POST /api/wire/open?name=x.wire                the bytes of a .wire file, application/octet-stream, 32 MiB:
//	                               {"log": id, "name", "messages": n, "warning": text}. Four are remembered
//	POST /api/devices/search       {"target": "" for all, or a part of a type}: job
//	POST /api/devices/add          {"url"}: job
//	GET  /api/devices/{id}/xml     the description as received, text/plain
//	GET  /api/services/{id}        {"id", "type", "actions": [{"name", "in": [argument], "out": [argument]}],
//	                               "variables": [variable], "notes": [text]}
//	                               argument: {"name", "variable", and of that variable: "dataType", "default",
//	                               "allowed": [text], "range": {"min", "max", "step"} or null; "secret": bool}
//	                               variable: {"name", "dataType", "default", "allowed", "range", "events": bool}
//	GET  /api/services/{id}/xml    the service document as received
//	POST /api/services/{id}/invoke {"action", "arguments": {name: text}}: {"out": [{"name", "value", "dataType"}],
//	                               "tookMs": n, "messages": [ids in the live log], "notes", "error": failure or null}.
//	                               Arguments that are wrong are 400, "field" being the name of the first
//	POST /api/services/{id}/subscribe   {}: {"subscription": id}
//	POST /api/subscriptions/{id}/close  {}
//	POST /api/emulator/quirks      {"name", "on": bool}
//	POST /api/emulator/profile     {"name"}; names in GET /api/emulator/profiles: [{"name", "doc"}]
//	POST /api/emulator/reboot, wipe     {}
//	POST /api/emulator/address     {"address": "203.0.113.9" or "" for none}
//	POST /api/emulator/put         {"protocol", "externalPort", "internalClient", "internalPort", "description",
//	                               "leaseSeconds", "enabled", "count": n of ports one after the other}: as another
//	                               host would have made it
package web
