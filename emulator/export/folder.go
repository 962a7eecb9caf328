package export

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Folders says where exports may go. The folder that a client names is one of
// its own machine, which need not be ours: the emulator may run in a container.
type Folders struct {
	// Root is the folder that no export leaves, whatever ".." or symbolic link
	// a path contains. Empty: the client's folder is taken as it is.
	Root string
	// Map turns the client's folders into folders below Root. The longest From
	// that is a leading part of the client's path wins. Without a match a path
	// below Root stays what it is, and any other is looked for below Root under
	// its whole name, without the drive: C:\Users\me\out is Root/Users/me/out.
	Map []FolderMap
}

// FolderMap maps one folder of the client, and what is below it.
type FolderMap struct {
	From string // C:\exports, /home/me/exports; "*" is any folder, as a whole
	To   string // relative to Root; "" or "." is Root itself
}

// splitClient splits a client's path, Windows or POSIX, into a drive and
// cleaned parts. A backslash separates only in a Windows path: one with a
// drive, a UNC name, or no slash at all.
func splitClient(p string) (drive string, parts []string) {
	if len(p) >= 2 && p[1] == ':' && (p[0]|0x20) >= 'a' && (p[0]|0x20) <= 'z' {
		drive, p = strings.ToLower(p[:1]), strings.ReplaceAll(p[2:], `\`, "/")
	} else if strings.HasPrefix(p, `\`) || !strings.Contains(p, "/") {
		drive, p = "", strings.ReplaceAll(p, `\`, "/")
	}
	for _, part := range strings.Split(p, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	return drive, parts
}

// below returns what is left of parts below from.
func below(drive string, parts []string, from string) ([]string, bool) {
	d, head := splitClient(from)
	if d != drive || len(head) > len(parts) {
		return nil, false
	}
	for i, h := range head {
		if h != parts[i] && (d == "" || !strings.EqualFold(h, parts[i])) {
			return nil, false
		}
	}
	return parts[len(head):], true
}

// Resolve returns the folder below Root that a client's path means.
func (f Folders) Resolve(folder string) (string, error) {
	if folder == "" || strings.ContainsRune(folder, 0) {
		return "", &Error{Op: "open folder", Path: folder, Kind: ErrFolderMissing}
	}
	drive, parts := splitClient(folder)
	for _, p := range parts {
		if p == ".." {
			return "", &Error{Op: "open folder", Path: folder, Kind: ErrOutsideRoot}
		}
	}
	rest, best, to := parts, -1, ""
	if tail, ok := below(drive, parts, f.Root); ok {
		rest = tail
	}
	for _, m := range f.Map {
		tail, ok := below(drive, parts, m.From)
		n := len(parts) - len(tail)
		if m.From == "*" {
			tail, ok, n = nil, true, 0
		}
		if ok && n > best {
			rest, best, to = tail, n, m.To
		}
	}
	return path.Join(append([]string{".", filepath.ToSlash(to)}, rest...)...), nil
}

// open opens the client's folder. Everything in it is then done through the
// returned root, which a symbolic link swapped in later cannot redirect.
func (f Folders) open(folder string) (dir *os.Root, where string, err error) {
	rel := "."
	root := f.Root
	if root == "" {
		if root = folder; folder == "" || !filepath.IsAbs(folder) {
			return nil, "", &Error{Op: "open folder", Path: folder, Kind: ErrFolderMissing, Err: errors.New("not an absolute path of this system")}
		}
	} else if rel, err = f.Resolve(folder); err != nil {
		return nil, "", err
	}
	top, err := os.OpenRoot(root)
	if err != nil {
		return nil, "", folderError(folder, err)
	}
	defer top.Close()
	dir, err = top.OpenRoot(rel)
	if err != nil {
		return nil, "", folderError(folder, err)
	}
	return dir, filepath.Join(root, filepath.FromSlash(rel)), nil
}

func folderError(folder string, err error) error {
	kind := ErrOutsideRoot // os.Root names no error for an escape
	switch {
	case errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "not a directory"):
		kind = ErrFolderMissing
	case errors.Is(err, fs.ErrPermission):
		kind = ErrUnwritable
	}
	return &Error{Op: "open folder", Path: folder, Kind: kind, Err: err}
}

// output is the files of one job: written under temporary names in the folder
// itself, renamed when all are whole.
type output struct {
	ctx   context.Context
	dir   *os.Root
	where string
	files []pending
	wrap  func(io.Writer) io.Writer // tests break the writer
}

type pending struct {
	temp, name string
	renamed    bool
}

// file writes one file with fill.
func (o *output) file(name string, fill func(w *bufio.Writer) error) (err error) {
	temp := ".fakecortex-" + rand.Text() + ".part"
	f, err := o.dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return writeError("create", name, err)
	}
	o.files = append(o.files, pending{temp: temp, name: name})
	var w io.Writer = &outWriter{ctx: o.ctx, w: f, name: name}
	if o.wrap != nil {
		w = &outWriter{ctx: o.ctx, w: o.wrap(f), name: name}
	}
	bw := bufio.NewWriterSize(w, 64<<10)
	err = fill(bw)
	if err == nil {
		err = bw.Flush()
	}
	if cerr := f.Close(); err == nil && cerr != nil {
		err = writeError("close", name, cerr)
	}
	return err
}

// outWriter stops at a cancelled context and names the file in errors.
type outWriter struct {
	ctx  context.Context
	w    io.Writer
	name string
}

func (w *outWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, fmt.Errorf("export: write %q: %w", w.name, err)
	}
	n, err := w.w.Write(p)
	if err != nil {
		err = writeError("write", w.name, err)
	}
	return n, err
}

// commit renames the files. An older export of the same name is replaced.
func (o *output) commit() ([]string, error) {
	if err := o.ctx.Err(); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	var names []string
	for i := range o.files {
		f := &o.files[i]
		if err := o.dir.Rename(f.temp, f.name); err != nil {
			return nil, writeError("rename", f.name, err)
		}
		f.renamed = true
		names = append(names, filepath.Join(o.where, f.name))
	}
	return names, nil
}

// abort removes whatever the job has made.
func (o *output) abort() {
	for _, f := range o.files {
		name := f.temp
		if f.renamed {
			name = f.name
		}
		_ = o.dir.Remove(name) // the job has failed already; its error is the one to tell
	}
}
