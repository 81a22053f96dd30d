// Holds a log's roots, proofs, tiles and notes against Go's sumdb.
//
// Reads cases as JSON from stdin, and prints how many hold; the first that does not ends it. Cases
// that have no proofs get them by Go, and are printed with them: those are the vectors of the suite.
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type proofCase struct {
	Size      int64    `json:"size"`
	Old       int64    `json:"old"`
	Index     int64    `json:"index"`
	Root      string   `json:"root"`
	OldRoot   string   `json:"old_root"`
	Inclusion []string `json:"inclusion"`
	Grown     []string `json:"grown"`
}

type asked struct {
	Entries int64             `json:"entries"`
	Make    bool              `json:"make"`
	Cases   []proofCase       `json:"cases"`
	Tiles   map[string]string `json:"tiles"`
	Key     string            `json:"key"`
	Notes   []string          `json:"notes"`
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(text string) (hash tlog.Hash) {
	data, err := hex.DecodeString(text)
	must(err)
	if copy(hash[:], data) != tlog.HashSize || len(data) != tlog.HashSize {
		must(fmt.Errorf("not a hash: %q", text))
	}
	return hash
}

func readAll(texts []string) (hashes []tlog.Hash) {
	for _, text := range texts {
		hashes = append(hashes, read(text))
	}
	return hashes
}

func written(hashes []tlog.Hash) []string {
	texts := []string{}
	for _, hash := range hashes {
		texts = append(texts, hex.EncodeToString(hash[:]))
	}
	return texts
}

type tiles struct{ stored map[string]string }

func (tiles) Height() int { return height }

func (from tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, err := hex.DecodeString(from.stored[fmt.Sprintf("%d/%d", tile.L, tile.N)])
		if err != nil || len(data) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("no tile %s", tile.Path())
		}
		found = append(found, data[:tile.W*tlog.HashSize])
	}
	return found, nil
}

func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func main() {
	var given asked
	must(json.NewDecoder(os.Stdin).Decode(&given))
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (found []tlog.Hash, err error) {
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	for n := int64(0); n < given.Entries; n++ {
		hashes, err := tlog.StoredHashes(n, []byte(fmt.Sprintf("entry %d", n)), reader)
		must(err)
		stored = append(stored, hashes...)
	}
	for place := range given.Cases {
		one := &given.Cases[place]
		root, err := tlog.TreeHash(one.Size, reader)
		must(err)
		old, err := tlog.TreeHash(one.Old, reader)
		must(err)
		leaf, err := tlog.ReadTileData(tlog.Tile{H: height, L: 0, N: one.Index >> height,
			W: int(one.Index%(1<<height)) + 1}, reader)
		must(err)
		var hash tlog.Hash
		copy(hash[:], leaf[len(leaf)-tlog.HashSize:])
		if given.Make {
			inclusion, err := tlog.ProveRecord(one.Size, one.Index, reader)
			must(err)
			grown, err := tlog.ProveTree(one.Size, one.Old, reader)
			must(err)
			one.Root, one.OldRoot = hex.EncodeToString(root[:]), hex.EncodeToString(old[:])
			one.Inclusion, one.Grown = written(inclusion), written(grown)
			continue
		}
		if root != read(one.Root) || old != read(one.OldRoot) {
			must(fmt.Errorf("another root of %d or %d", one.Size, one.Old))
		}
		must(tlog.CheckRecord(readAll(one.Inclusion), one.Size, root, one.Index, hash))
		must(tlog.CheckTree(readAll(one.Grown), one.Size, root, one.Old, old))
		if given.Tiles != nil {
			tree := tlog.Tree{N: one.Size, Hash: root}
			found, err := tlog.TileHashReader(tree, tiles{given.Tiles}).ReadHashes(
				[]int64{tlog.StoredHashIndex(0, one.Index)})
			must(err)
			if found[0] != hash {
				must(fmt.Errorf("another hash of %d in the tiles", one.Index))
			}
		}
	}
	if given.Make {
		must(json.NewEncoder(os.Stdout).Encode(given.Cases))
		return
	}
	for _, text := range given.Notes {
		verifier, err := note.NewVerifier(given.Key)
		must(err)
		opened, err := note.Open([]byte(text), note.VerifierList(verifier))
		must(err)
		if len(opened.Sigs) != 1 || len(opened.UnverifiedSigs) != 1 {
			must(fmt.Errorf("of a note %d signatures are known", len(opened.Sigs)))
		}
	}
	fmt.Println(len(given.Cases), len(given.Notes))
}
