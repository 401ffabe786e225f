// Package xmldoc reads XML the way routers write it and writes it the way they like to read
// it. It follows XML 1.0 without document types: no validation, no external entity, nothing
// is ever fetched.
//
// [Parse] builds an etree tree; [Scanner] gives the same tokens one by one, for answers that
// come by the thousand. [Append] writes a tree and [AppendText] a text in the one spelling
// this module uses:
//
//	<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device>
//	<friendlyName>Smith &amp; Sons</friendlyName><presentationURL></presentationURL>
//	</device></root>      (one line on the wire)
//
// The same document is understood as a device may send it, and each repair leaves a line in
// the notes:
//
//	\xEF\xBB\xBF <?xml version=1.0 encoding="utf8"?>
//	<ROOT><Device><friendlyName>Smith & Sons</FriendlyName>
//	<modelNumber>\xF0_\xF0</modelNumber></Device>\x00\x00
//
// Tolerated are: byte order marks, UTF-16 with one, Latin-1 with or without the right label,
// bytes that are no UTF-8 and characters XML forbids (they become U+FFFD), text around the
// document, bare "&" and "<", unknown entities, document types (skipped), end tags that are
// missing, misspelt, doubled or in another case, attributes without quotes, twice or with
// their last quote lost, prefixes nobody declared, and a document cut off anywhere. Size is
// not tolerated: see [Limits].
package xmldoc
