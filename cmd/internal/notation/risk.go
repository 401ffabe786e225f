package notation

// RiskOf names the service of an internal port that nobody should meet on the Internet by
// accident (SECURITY D4); empty for the others.
func RiskOf(port uint16) string {
	switch port {
	case 22:
		return "SSH"
	case 23:
		return "Telnet"
	case 135:
		return "Windows RPC"
	case 137, 138, 139, 445:
		return "Windows file sharing"
	case 1433, 3306, 5432, 6379:
		return "a database"
	case 3389:
		return "Windows remote desktop"
	case 5900:
		return "remote desktop (VNC)"
	}
	return ""
}
