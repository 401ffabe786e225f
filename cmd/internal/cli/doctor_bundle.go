package cli

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"upnp/cmd/internal/plain"
	"upnp/igd"
	"upnp/igd/wire"
)

// A bundle is an archive for a bug report: what was found, what was sent and received, and by which
// version. What tells whose network it is has stand-ins, the same in all files.
type bundle struct {
	path  string
	file  *os.File
	log   wire.Log // with stand-ins
	texts []string // of the report, with stand-ins
	sink  func(wire.Event)
	flush func()
}

// newBundle opens a file and records from now on; without a path it is nil.
func (s *session) newBundle(ctx context.Context, path string) (*bundle, error) {
	if path == "" {
		return nil, nil
	}
	if !isTar(path) && !strings.HasSuffix(path, ".zip") {
		return nil, usagef("--bundle %q: want a name that ends in .tar.gz, .tgz or .zip", path)
	}
	n, err := s.net(ctx)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, usagef("--bundle %q: %v", path, plain.Innermost(err))
	}
	s.closers = append(s.closers, f.Close)
	b := &bundle{path: path, file: f}
	b.sink, b.flush = wire.Redact(b.record)
	s.network = wire.NewTap(n, b.sink)
	return b, nil
}

func isTar(path string) bool {
	return strings.HasSuffix(path, ".tar.gz") || strings.HasSuffix(path, ".tgz")
}

// reportFlow marks the events that are the report's own texts: they go where the conversation goes,
// and so get the same stand-ins.
const reportFlow = -1

func (b *bundle) record(e wire.Event) {
	if e.Flow == reportFlow {
		b.texts = append(b.texts, e.Err)
		return
	}
	b.log.Record(e)
}

// write writes the archive.
func (b *bundle) write(s *session, r *igd.Report) error {
	if b == nil {
		return nil
	}
	files, err := b.files(r)
	if err == nil {
		err = b.pack(files)
	}
	if err != nil {
		return failf("the bundle cannot be written: %w", plain.Innermost(err))
	}
	s.stderr.linef("wrote %s; look through it before you give it away", b.path)
	return nil
}

// A packed file is one of the archive.
type packed struct {
	name string
	data []byte
}

func (b *bundle) files(r *igd.Report) ([]packed, error) {
	var text, document, conversation, version bytes.Buffer
	p := newPrinter(&text, false)
	showReport(p, r, 0)
	err := errors.Join(p.w.Flush(), plain.WriteJSON(&document, r, true), plain.WriteJSON(&version, thisBuild(), true))
	for _, report := range []string{document.String(), text.String()} {
		b.sink(wire.Event{Time: time.Now(), Flow: reportFlow, Kind: wire.Failed, Err: report})
	}
	b.flush()
	if len(b.texts) != 2 {
		return nil, fmt.Errorf("%d of 2 texts came back", len(b.texts))
	}
	_, logErr := b.log.WriteTo(&conversation)
	return []packed{
		{"report.txt", []byte(b.texts[1])}, {"report.json", []byte(b.texts[0])},
		{"session.wire", conversation.Bytes()}, {"version.txt", version.Bytes()},
	}, errors.Join(err, logErr)
}

func (b *bundle) pack(files []packed) error {
	pack := packZip
	if isTar(b.path) {
		pack = packTar
	}
	return errors.Join(pack(b.file, files), b.file.Close())
}

func packTar(w io.Writer, files []packed) error {
	compressed := gzip.NewWriter(w)
	archive := tar.NewWriter(compressed)
	for _, f := range files {
		head := &tar.Header{Name: "upnp-report/" + f.name, Mode: 0o600, Size: int64(len(f.data)), ModTime: time.Now()}
		if err := archive.WriteHeader(head); err != nil {
			return err
		}
		if _, err := archive.Write(f.data); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), compressed.Close())
}

func packZip(w io.Writer, files []packed) error {
	archive := zip.NewWriter(w)
	for _, f := range files {
		part, err := archive.CreateHeader(&zip.FileHeader{Name: "upnp-report/" + f.name, Method: zip.Deflate, Modified: time.Now()})
		if err != nil {
			return err
		}
		if _, err := part.Write(f.data); err != nil {
			return err
		}
	}
	return archive.Close()
}
