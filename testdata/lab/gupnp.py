"""Prints the events of a WAN connection service as GNOME's UPnP library hears them.

gupnp.py INTERFACE SERVICE-TYPE VARIABLE...
"""

import sys

import gi

gi.require_version("GUPnP", "1.6")
from gi.repository import GLib, GObject, GUPnP


def changed(_proxy, variable, value, _data):
    print(variable, value, flush=True)


def available(_control_point, proxy):
    for variable in sys.argv[3:]:
        proxy.add_notify(variable, GObject.TYPE_STRING, changed, None)
    proxy.connect("subscription-lost", lambda _proxy, reason: print("lost", reason, flush=True))
    proxy.set_subscribed(True)
    proxies.append(proxy)


proxies = []
context = GUPnP.Context.new(sys.argv[1], 0)
control_point = GUPnP.ControlPoint.new(context, sys.argv[2])
control_point.connect("service-proxy-available", available)
control_point.set_active(True)
GLib.MainLoop().run()
