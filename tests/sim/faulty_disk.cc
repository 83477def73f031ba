#include "tests/sim/faulty_disk.h"

#include <sqlite3.h>

#include <stdexcept>
#include <utility>

namespace vbs::sim {

namespace {

FaultyDisk::Trouble g_trouble;

int trouble(FaultyDisk::Call call) {
  return g_trouble ? g_trouble(call) : SQLITE_OK;
}

sqlite3_vfs* usual() {
  static sqlite3_vfs* const found = sqlite3_vfs_find("unix");
  return found;
}

/// SQLite reserves room for it, and behind it for the usual one.
struct File {
  sqlite3_file base;

  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  static File* of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
};

/// A method that does what the usual file does.
template <auto method>
struct Forward;
template <class... Arguments, int (*sqlite3_io_methods::*method)(sqlite3_file*, Arguments...)>
struct Forward<method> {
  static int call(sqlite3_file* file, Arguments... arguments) {
    sqlite3_file* const real = File::of(file)->real();
    return (real->pMethods->*method)(real, arguments...);
  }
};

int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  if (const int code = trouble(FaultyDisk::Call::write); code != SQLITE_OK) return code;
  return Forward<&sqlite3_io_methods::xWrite>::call(file, bytes, count, offset);
}

int sync(sqlite3_file* file, int flags) {
  if (const int code = trouble(FaultyDisk::Call::sync); code != SQLITE_OK) return code;
  return Forward<&sqlite3_io_methods::xSync>::call(file, flags);
}

void shm_barrier(sqlite3_file* file) {
  sqlite3_file* const real = File::of(file)->real();
  real->pMethods->xShmBarrier(real);
}

using Io = sqlite3_io_methods;

/// Version 2: with what a write-ahead log needs, without memory mapping.
const Io kMethods = {2,
                     Forward<&Io::xClose>::call,
                     Forward<&Io::xRead>::call,
                     write,
                     Forward<&Io::xTruncate>::call,
                     sync,
                     Forward<&Io::xFileSize>::call,
                     Forward<&Io::xLock>::call,
                     Forward<&Io::xUnlock>::call,
                     Forward<&Io::xCheckReservedLock>::call,
                     Forward<&Io::xFileControl>::call,
                     Forward<&Io::xSectorSize>::call,
                     Forward<&Io::xDeviceCharacteristics>::call,
                     Forward<&Io::xShmMap>::call,
                     Forward<&Io::xShmLock>::call,
                     shm_barrier,
                     Forward<&Io::xShmUnmap>::call,
                     nullptr,
                     nullptr};

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  File* const ours = File::of(file);
  ours->base.pMethods = nullptr;
  const int code = usual()->xOpen(usual(), name, ours->real(), flags, flags_out);
  if (code == SQLITE_OK) ours->base.pMethods = &kMethods;
  return code;
}

}  // namespace

void FaultyDisk::install() {
  static sqlite3_vfs ours = *usual();
  ours.zName = "vbs-faulty";
  ours.szOsFile = static_cast<int>(sizeof(File)) + usual()->szOsFile;
  ours.xOpen = open;
  if (sqlite3_vfs_register(&ours, 1) != SQLITE_OK)
    throw std::runtime_error("SQLite takes no other VFS");
}

void FaultyDisk::set_trouble(Trouble trouble) {
  g_trouble = std::move(trouble);
}

}  // namespace vbs::sim
