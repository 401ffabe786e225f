package description

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A Handler serves a device's documents: the root description, the service descriptions
// and files such as icons, by GET and HEAD. Documents are written anew for each
// request, so they must not change while it serves.
type Handler struct {
	// Root is the description served at RootPath. Nil serves none.
	Root *Root

	// RootPath is the URL path of Root. Empty is the path of Root.Location.
	RootPath string

	// SCPDs are the service descriptions by URL path.
	SCPDs map[string]*SCPD

	// Files are other answers by URL path: icons, or documents whose exact bytes matter.
	// A file is served in preference to a description of the same path.
	Files map[string]File

	// Server is the SERVER header, "OS/version UPnP/1.1 product/version". Empty sends none.
	Server string

	// Language is the language tag of the texts, told to those who ask with an
	// ACCEPT-LANGUAGE header. Empty is "en".
	Language string
}

// A File is bytes and what they are.
type File struct {
	ContentType string // empty is an XML document
	Data        []byte
}

const xmlContentType = `text/xml; charset="utf-8"`

// ServeHTTP answers a request for one of the documents: 404 for any other path, 405 for
// any other method.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.setCommon(w.Header())
	file, err := h.file(r.URL.Path)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case file == nil:
		http.NotFound(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	default:
		h.send(w, r, file)
	}
}

func (h *Handler) setCommon(header http.Header) {
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if h.Server != "" {
		header.Set("Server", h.Server)
	}
}

func (h *Handler) send(w http.ResponseWriter, r *http.Request, file *File) {
	header := w.Header()
	header.Set("Content-Type", file.ContentType)
	header.Set("Content-Length", strconv.Itoa(len(file.Data)))
	if r.Header.Get("Accept-Language") != "" {
		header.Set("Content-Language", h.language())
	}
	if r.Method == http.MethodGet {
		// A caller that went away is no concern of ours.
		_, _ = w.Write(file.Data)
	}
}

func (h *Handler) language() string {
	if h.Language == "" {
		return "en"
	}
	return h.Language
}

// file is what is served at path, nil if nothing is.
func (h *Handler) file(path string) (*File, error) {
	if f, ok := h.Files[path]; ok {
		if f.ContentType == "" {
			f.ContentType = xmlContentType
		}
		return &f, nil
	}
	if h.Root != nil && path == h.rootPath() {
		return document(h.Root)
	}
	if scpd := h.SCPDs[path]; scpd != nil {
		return document(scpd)
	}
	return nil, nil
}

// rootPath is never empty, like the path of a request.
func (h *Handler) rootPath() string {
	if h.RootPath != "" {
		return h.RootPath
	}
	if u, err := url.Parse(h.Root.Location); err == nil && u.Path != "" {
		return u.Path
	}
	return "/"
}

func document(d io.WriterTo) (*File, error) {
	var data bytes.Buffer
	if _, err := d.WriteTo(&data); err != nil {
		return nil, err
	}
	return &File{ContentType: xmlContentType, Data: data.Bytes()}, nil
}
