"""Drives a dimmable light as GNOME's UPnP library does: prints its level, and dims it once.

light.py INTERFACE LEVEL
"""

import sys

import gi

gi.require_version("GUPnP", "1.6")
from gi.repository import GLib, GObject, GUPnP


def call(action, names, values):
    message = GUPnP.ServiceProxyAction.new_from_list(action, names, values)
    proxies[0].call_action(message, None)
    return message


def dim():
    call("SetLoadLevelTarget", ["newLoadlevelTarget"], [int(sys.argv[2])])
    answer = call("GetLoadLevelTarget", [], [])
    _, values = answer.get_result_list(["GetLoadlevelTarget"], [GObject.TYPE_INT])
    print("target", values[0], flush=True)


def changed(_proxy, variable, value, _data):
    print(variable, value, flush=True)
    if value == "100":
        GLib.idle_add(dim)


def available(_control_point, proxy):
    proxies.append(proxy)
    proxy.add_notify("LoadLevelStatus", GObject.TYPE_STRING, changed, None)
    proxy.set_subscribed(True)


proxies = []
context = GUPnP.Context.new(sys.argv[1], 0)
control_point = GUPnP.ControlPoint.new(context, "urn:schemas-upnp-org:service:Dimming:1")
control_point.connect("service-proxy-available", available)
control_point.set_active(True)
GLib.MainLoop().run()
