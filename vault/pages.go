package vault

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"os"
)

// bbolt believes what it maps: a damaged page can send it round in circles until
// the stack is full, which no recover survives. So before bbolt sees a file its
// pages are checked here: the newest meta page, every page reachable from it
// once and in order, and the free list, with no page in two places. The contents
// of pages are the business of seals and digests, not of this check.
//
// The layout is bbolt's format 2, in the byte order of the machine, which is
// little-endian on every system that Postern is built for.

const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHead    = 16 // id 8, flags 2, count 2, overflow 4
	pageElement = 16
	metaBody    = 56 // up to its checksum
	bucketHead  = 16 // root 8, sequence 8

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagFreelist = 0x10
	bucketLeaf   = 0x01

	// maxDepth is far above what 2^40 secrets need.
	maxDepth = 24
)

var order = binary.LittleEndian

type boltMeta struct{ pageSize, root, freelist, high, txid uint64 }

// pageChecker walks the pages of one file.
type pageChecker struct {
	file     io.ReaderAt
	onlyMeta bool
	pageSize uint64
	high     uint64
	seen     []uint64
	buffers  [maxDepth + 1][]byte
}

// checkPages fails with ErrDamaged unless bbolt can safely read and write f; with
// onlyMeta, unless it can safely read the bucket in front.
func checkPages(f *os.File, onlyMeta bool) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := uint64(info.Size())
	meta, err := newestMeta(f, size)
	if err != nil {
		return err
	}
	if meta.high < 4 || meta.high > size/meta.pageSize {
		return ErrDamaged
	}
	c := &pageChecker{file: f, onlyMeta: onlyMeta, pageSize: meta.pageSize, high: meta.high, seen: make([]uint64, meta.high/64+1)}
	if err := c.tree(meta.root, nil, nil, 0, c.bucket); err != nil || onlyMeta {
		return err
	}
	return c.freelist(meta.freelist)
}

// newestMeta finds the meta page that bbolt would go by.
func newestMeta(f io.ReaderAt, size uint64) (boltMeta, error) {
	first, err := readMeta(f, 0)
	if err == nil {
		second, err := readMeta(f, first.pageSize)
		if err == nil && second.txid > first.txid {
			return second, nil
		}
		return first, nil
	}
	for pageSize := uint64(1 << 10); pageSize <= 1<<24 && pageSize < size; pageSize *= 2 {
		if second, err := readMeta(f, pageSize); err == nil && second.pageSize == pageSize {
			return second, nil
		}
	}
	return boltMeta{}, err
}

func readMeta(f io.ReaderAt, at uint64) (boltMeta, error) {
	var page [pageHead + metaBody + 8]byte
	if _, err := f.ReadAt(page[:], int64(at)); err == io.EOF {
		return boltMeta{}, ErrDamaged
	} else if err != nil {
		return boltMeta{}, err
	}
	b := page[pageHead:]
	sum := fnv.New64a()
	sum.Write(b[:metaBody])
	m := boltMeta{
		pageSize: uint64(order.Uint32(b[8:])), root: order.Uint64(b[16:]),
		freelist: order.Uint64(b[32:]), high: order.Uint64(b[40:]), txid: order.Uint64(b[48:]),
	}
	whole := order.Uint32(b) == boltMagic && order.Uint32(b[4:]) == boltVersion && order.Uint64(b[metaBody:]) == sum.Sum64()
	if !whole || m.pageSize < 1<<10 || m.pageSize > 1<<24 || m.pageSize&(m.pageSize-1) != 0 {
		return boltMeta{}, ErrDamaged
	}
	return m, nil
}

// page reads one page with its overflow and takes note that it was seen.
func (c *pageChecker) page(id uint64, depth int) ([]byte, error) {
	if id < 2 || id >= c.high || depth > maxDepth {
		return nil, ErrDamaged
	}
	buffer := c.buffers[depth]
	if len(buffer) == 0 {
		buffer = make([]byte, c.pageSize)
	}
	if err := c.read(buffer[:c.pageSize], id); err != nil {
		return nil, err
	}
	span := 1 + uint64(order.Uint32(buffer[12:]))
	if order.Uint64(buffer) != id || span > c.high-id {
		return nil, ErrDamaged
	}
	if uint64(len(buffer)) < span*c.pageSize {
		buffer = make([]byte, span*c.pageSize)
	}
	c.buffers[depth] = buffer
	for i := range span {
		if !c.see(id + i) {
			return nil, ErrDamaged
		}
	}
	page := buffer[:span*c.pageSize]
	if span == 1 {
		return page, nil
	}
	return page, c.read(page, id)
}

func (c *pageChecker) read(b []byte, id uint64) error {
	_, err := c.file.ReadAt(b, int64(id*c.pageSize))
	if errors.Is(err, io.EOF) {
		return ErrDamaged
	}
	return err
}

// see says whether the page was not seen before.
func (c *pageChecker) see(id uint64) bool {
	word, bit := &c.seen[id/64], uint64(1)<<(id%64)
	isNew := *word&bit == 0
	*word |= bit
	return isNew
}

// visitor is called for each element of a leaf.
type visitor func(flags uint32, key, value []byte, depth int) error

// tree checks the pages below id, whose keys lie in [from, to) and ascend, and
// calls visit for each leaf.
func (c *pageChecker) tree(id uint64, from, to []byte, depth int, visit visitor) error {
	page, err := c.page(id, depth)
	if err != nil {
		return err
	}
	if order.Uint16(page[8:]) == flagLeaf {
		return leaves(page, from, to, depth, visit)
	}
	count := int(order.Uint16(page[10:]))
	if order.Uint16(page[8:]) != flagBranch || count == 0 || pageHead+count*pageElement > len(page) {
		return ErrDamaged
	}
	low := from
	for i := range count {
		_, child, err := branchElement(page, i)
		if err != nil {
			return err
		}
		high := to
		if i+1 < count {
			if high, _, err = branchElement(page, i+1); err != nil {
				return err
			}
			if bytes.Compare(low, high) >= 0 || (to != nil && bytes.Compare(high, to) >= 0) {
				return ErrDamaged
			}
		}
		if err := c.tree(child, low, high, depth+1, visit); err != nil {
			return err
		}
		low = high
	}
	return nil
}

func branchElement(page []byte, i int) (key []byte, child uint64, err error) {
	at := pageHead + i*pageElement
	e := page[at:]
	key, err = cut(page, at+int(order.Uint32(e)), int(order.Uint32(e[4:])))
	return key, order.Uint64(e[8:]), err
}

// leaves checks one leaf page, which may be the inline page of a small bucket.
func leaves(page, from, to []byte, depth int, visit visitor) error {
	count := int(order.Uint16(page[10:]))
	if order.Uint16(page[8:]) != flagLeaf || pageHead+count*pageElement > len(page) {
		return ErrDamaged
	}
	last := from
	for i := range count {
		at := pageHead + i*pageElement
		e := page[at:]
		keySize := int(order.Uint32(e[8:]))
		key, err := cut(page, at+int(order.Uint32(e[4:])), keySize)
		if err != nil {
			return err
		}
		value, err := cut(page, at+int(order.Uint32(e[4:]))+keySize, int(order.Uint32(e[12:])))
		if err != nil {
			return err
		}
		step := bytes.Compare(last, key)
		if step > 0 || (step == 0 && (i > 0 || keySize == 0)) || (to != nil && bytes.Compare(key, to) >= 0) {
			return ErrDamaged
		}
		if err := visit(order.Uint32(e), key, value, depth); err != nil {
			return err
		}
		last = key
	}
	return nil
}

func cut(page []byte, at, size int) ([]byte, error) {
	if at < pageHead || at > len(page) || size > len(page)-at {
		return nil, ErrDamaged
	}
	return page[at : at+size], nil
}

// bucket checks one of the buckets, which hold no further buckets.
func (c *pageChecker) bucket(flags uint32, name, value []byte, depth int) error {
	if flags != bucketLeaf || len(value) < bucketHead {
		return ErrDamaged
	}
	if c.onlyMeta && !bytes.Equal(name, bucketMeta) {
		return nil
	}
	if root := order.Uint64(value); root != 0 {
		return c.tree(root, nil, nil, depth+1, plainEntry)
	}
	if len(value) < bucketHead+pageHead {
		return ErrDamaged
	}
	return leaves(value[bucketHead:], nil, nil, depth, plainEntry)
}

func plainEntry(flags uint32, _, _ []byte, _ int) error {
	if flags != 0 {
		return ErrDamaged
	}
	return nil
}

// freelist checks that bbolt gives no page away that is in use.
func (c *pageChecker) freelist(id uint64) error {
	page, err := c.page(id, 0)
	if err != nil {
		return err
	}
	ids := page[pageHead:]
	count := uint64(order.Uint16(page[10:]))
	if count == 0xFFFF {
		count, ids = order.Uint64(ids), ids[8:]
	}
	if order.Uint16(page[8:]) != flagFreelist || count > uint64(len(ids)/8) {
		return ErrDamaged
	}
	for i := range count {
		free := order.Uint64(ids[i*8:])
		if free < 2 || free >= c.high || !c.see(free) {
			return ErrDamaged
		}
	}
	return nil
}
