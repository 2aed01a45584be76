// Writes a file or folder, well or with a planted bug: what the fault sweeps run, and what shows
// that they catch bugs.
//
//   writer_program file|folder|safetensors|matrix PATH the writers of the library
//   writer_program by-hand PATH BUG                    a file by plain system calls; BUG "none" is
//   right writer_program folder-by-hand PATH BUG             a folder, likewise
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/durable.h"
#include "base/file.h"
#include "models/weights/safetensors.h"

namespace graft {
namespace {

// More than one buffer of DurableFile, so that several writes reach the system.
std::string Contents() {
  std::string text;
  for (int i = 0; text.size() < 1'200'000; ++i) absl::StrAppend(&text, "line ", i, "\n");
  return text;
}

absl::Status WriteFile(const std::string& path) {
  const std::string contents = Contents();
  ABSL_ASSIGN_OR_RETURN(DurableFile file, DurableFile::Create(path));
  ABSL_RETURN_IF_ERROR(file.Append(std::string_view(contents).substr(0, 600'000)));
  ABSL_RETURN_IF_ERROR(file.Append(std::string_view(contents).substr(600'000)));
  ABSL_RETURN_IF_ERROR(file.Append("the end\n"));
  return file.Commit();
}

// As a program writes that knows nothing of durability: DurableFolder::Commit makes up for it.
absl::Status WritePlainly(const std::string& path, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) return ErrnoStatus(errno, path, "create");
  absl::Status status;
  while (status.ok() && !text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written > 0) text.remove_prefix(static_cast<size_t>(written));
    if (written < 0 && errno != EINTR) status = ErrnoStatus(errno, path, "write");
  }
  if (::close(file) != 0 && status.ok()) return ErrnoStatus(errno, path, "close");
  return status;
}

absl::Status WriteFolder(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(DurableFolder folder, DurableFolder::Create(path, /*replace=*/true));
  ABSL_RETURN_IF_ERROR(WriteFileDurably(JoinPath(folder.path(), "config.json"), "{}\n"));
  const std::string sub = JoinPath(folder.path(), "1_Pooling");
  if (::mkdir(sub.c_str(), 0777) != 0) return ErrnoStatus(errno, sub, "create");
  ABSL_RETURN_IF_ERROR(WritePlainly(JoinPath(sub, "config.json"), "{\"mean\": true}\n"));
  return folder.Commit();
}

absl::Status WriteTensors(const std::string& path) {
  const std::string data(400'000, '\x3F');
  const absl::Span<const char> bytes(data.data(), data.size());
  return WriteSafetensors(path,
                          {{"weight", DType::kF32, {1000, 100}, bytes},
                           {"bias", DType::kF32, {100}, bytes.subspan(0, 400)}},
                          {{"note", "fault sweep"}});
}

// In pieces, with a header that is written last.
absl::Status WriteMatrix(const std::string& path) {
  const std::vector<float> rows(100'000, 0.5f);
  ABSL_ASSIGN_OR_RETURN(SafetensorsMatrix matrix, SafetensorsMatrix::Create(path, "rows", 100));
  for (int i = 0; i < 4; ++i) ABSL_RETURN_IF_ERROR(matrix.Append(rows));
  return matrix.Commit();
}

// The planted bugs. What a correct writer does is in the plain path; each bug changes one step.
class HandWriter {
 public:
  HandWriter(std::string path, std::string_view bug)
      : path_(std::move(path)), temporary_(path_ + ".tmp"), bug_(bug) {}

  int Write() {
    if (bug_ == "naked-ofstream") {
      std::ofstream(path_) << Contents();
      return 0;
    }
    if (bug_ == "direct-write") temporary_ = path_;
    if (bug_ == "unlinks-first") ::unlink(path_.c_str());
    return Fill() && Publish() && SyncFolder() ? 0 : 1;
  }

 private:
  // Complains about the errno of `action`; false, so that callers stop.
  bool Fail(const char* action) {
    const int error = errno;
    if (bug_ != "leaves-temporary" && temporary_ != path_) ::unlink(temporary_.c_str());
    if (bug_ == "silent-failure") return false;
    std::cerr << (bug_ == "message-without-path" ? "" : path_ + ": ") << "cannot " << action
              << (bug_ == "message-without-reason" ? "" : std::string(": ") + std::strerror(error))
              << '\n';
    return false;
  }

  bool Fill() {
    struct stat old;
    const bool replaces = ::stat(path_.c_str(), &old) == 0;
    const int start = bug_ == "appends-to-stale-temporary" ? O_APPEND : O_TRUNC;
    const int file = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | start | O_CLOEXEC, 0666);
    if (file < 0) return Fail("create");
    if (replaces && bug_ != "loses-mode" && ::fchmod(file, old.st_mode & 0777) != 0) {
      return Fail("keep the mode");
    }
    if (!WriteAll(file, Contents())) return false;
    if (!Sync(file)) return false;
    if (bug_ == "writes-after-fsync" && !WriteAll(file, "the end\n")) return false;
    if (::close(file) != 0 && bug_ != "ignores-close-error") return Fail("close");
    return true;
  }

  bool WriteAll(int file, const std::string& contents) {
    for (size_t done = 0; done < contents.size();) {
      const size_t piece = std::min<size_t>(contents.size() - done, 500'000);
      const ssize_t written = ::write(file, contents.data() + done, piece);
      if (written < 0 && errno == EINTR && bug_ != "eintr-is-fatal") continue;
      if (written < 0 && bug_ != "ignores-write-error") return Fail("write");
      done += written < 0 || bug_ == "ignores-short-write" ? piece : static_cast<size_t>(written);
    }
    return true;
  }

  bool Sync(int file) {
    if (bug_ == "no-fsync") return true;
    if (bug_ == "retries-fsync") {
      for (int i = 0; i < 3 && ::fsync(file) != 0; ++i) {
      }
      return true;
    }
    if (::fsync(file) != 0) {
      if (bug_ == "aborts-on-error") std::abort();
      if (bug_ != "ignores-fsync-error") return Fail("sync");
    }
    return true;
  }

  bool Publish() {
    if (temporary_ == path_) return true;
    if (bug_ == "copies-into-place") {
      std::ifstream in(temporary_);
      std::ofstream out(path_);
      out << in.rdbuf();
      ::unlink(temporary_.c_str());
      return out.good() || Fail("copy");
    }
    if (::rename(temporary_.c_str(), path_.c_str()) != 0 && bug_ != "ignores-rename-error") {
      return Fail("rename");
    }
    return true;
  }

  bool SyncFolder() {
    if (bug_ == "folder-not-synced") return true;
    const std::string folder = std::filesystem::path(path_).parent_path();
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return Fail("open its folder");
    const bool synced = ::fsync(descriptor) == 0;
    if (!synced && bug_ != "ignores-folder-sync-error") Fail("sync its folder");
    ::close(descriptor);
    return synced || bug_ == "ignores-folder-sync-error";
  }

  const std::string path_;
  std::string temporary_;
  const std::string_view bug_;
};

bool SyncPath(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  if (descriptor >= 0) ::close(descriptor);
  return synced;
}

// What cannot be removed stays: cleaning up is no reason to fail.
void RemoveAll(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

// A folder with a file in a sub-folder, exchanged with the one that is there.
int WriteFolderByHand(const std::string& path, std::string_view bug) {
  const std::string temporary = path + ".tmp", sub = temporary + "/sub", file = sub + "/a";
  const auto fail = [&] {
    std::cerr << path << ": cannot write: " << std::strerror(errno) << '\n';
    RemoveAll(temporary);
    return 1;
  };
  RemoveAll(temporary);
  if (::mkdir(temporary.c_str(), 0777) != 0 || ::mkdir(sub.c_str(), 0777) != 0) return fail();
  if (!WritePlainly(file, "new\n").ok()) return fail();
  if (bug != "nested-file-not-synced" && !SyncPath(file)) return fail();
  if (bug != "nested-folder-not-synced" && !SyncPath(sub)) return fail();
  if (!SyncPath(temporary)) return fail();
  struct stat old;
  if (::stat(path.c_str(), &old) == 0 && ::chmod(temporary.c_str(), old.st_mode & 0777) != 0) {
    return fail();
  }
  if (bug == "removes-then-renames") {
    RemoveAll(path);
    if (::rename(temporary.c_str(), path.c_str()) != 0) return fail();
  } else if (bug == "renames-twice") {
    if (::rename(path.c_str(), (path + ".old").c_str()) != 0) return fail();
    if (::rename(temporary.c_str(), path.c_str()) != 0) return fail();
    RemoveAll(path + ".old");
  } else if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) !=
             0) {
    return fail();
  }
  if (bug == "removes-old-before-sync") RemoveAll(temporary);
  if (!SyncPath(std::filesystem::path(path).parent_path())) return fail();
  RemoveAll(temporary);
  return 0;
}

int Main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "writer_program KIND PATH [BUG]\n";
    return 2;
  }
  const std::string_view kind = argv[1];
  const std::string path = argv[2];
  const std::string_view bug = argc > 3 ? argv[3] : "none";
  if (kind == "by-hand") return HandWriter(path, bug).Write();
  if (kind == "folder-by-hand") return WriteFolderByHand(path, bug);
  const absl::Status status = kind == "file"     ? WriteFile(path)
                              : kind == "folder" ? WriteFolder(path)
                              : kind == "matrix" ? WriteMatrix(path)
                                                 : WriteTensors(path);
  if (status.ok()) return 0;
  std::cerr << "error: " << status.message() << '\n';
  return 1;
}

}  // namespace
}  // namespace graft

int main(int argc, char** argv) { return graft::Main(argc, argv); }
