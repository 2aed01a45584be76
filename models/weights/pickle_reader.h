// The pickle machine: protocol 2 as torch.save writes it, and nothing that runs. Internal: not part
// of the installed headers.
//
// Format: https://docs.python.org/3/library/pickletools.html. Of its opcodes these are read: PROTO
// (2, at the front), STOP; NONE, NEWTRUE, NEWFALSE, BININT, BININT1, BININT2, LONG1, BINFLOAT,
// BINUNICODE, SHORT_BINSTRING (the texts of Python 2); MARK, TUPLE, EMPTY_TUPLE, TUPLE1, TUPLE2,
// TUPLE3, EMPTY_LIST, APPEND, APPENDS, EMPTY_DICT, SETITEM, SETITEMS; BINPUT, LONG_BINPUT, BINGET,
// LONG_BINGET; GLOBAL, REDUCE, BUILD and BINPERSID, for the names in pickle_globals.h alone.
#ifndef GRAFT_MODELS_WEIGHTS_PICKLE_READER_H_
#define GRAFT_MODELS_WEIGHTS_PICKLE_READER_H_

#include "absl/status/statusor.h"
#include "models/weights/pickle_bytes.h"
#include "models/weights/pickle_globals.h"
#include "models/weights/pickle_values.h"

namespace graft {

// Reads one pickle up to its STOP. `bytes` must outlive the result. DataLoss with the place: "PATH:
// archive/data.pkl: byte 17: expected ..., found ...". Memory: some bytes for each byte of the
// pickle and at most about 200 MB, however often memo entries are used.
absl::StatusOr<Pickle> ReadPickle(PickleBytes& bytes, PersistentIds ids);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_PICKLE_READER_H_
