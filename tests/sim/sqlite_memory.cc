#include "tests/sim/sqlite_memory.h"

#include <sqlite3.h>

#include <cstddef>
#include <cstring>
#include <stdexcept>

// Of glibc, past those that the address sanitizer has put before them.
extern "C" {
void* __libc_malloc(std::size_t size);
void __libc_free(void* memory);
void* __libc_realloc(void* memory, std::size_t size);
}

namespace vbs::sim {
namespace {

/// Before each piece, for its size.
constexpr std::size_t kHeader = alignof(std::max_align_t);

void* with_size(void* piece, int size) {
  if (piece == nullptr) return nullptr;
  std::memcpy(piece, &size, sizeof(size));
  return static_cast<char*>(piece) + kHeader;
}

void* header_of(void* memory) {
  return static_cast<char*>(memory) - kHeader;
}

void* allocate(int size) {
  return with_size(__libc_malloc(static_cast<std::size_t>(size) + kHeader), size);
}

void release(void* memory) {
  if (memory != nullptr) __libc_free(header_of(memory));
}

void* resize(void* memory, int size) {
  return with_size(__libc_realloc(header_of(memory), static_cast<std::size_t>(size) + kHeader),
                   size);
}

int size_of(void* memory) {
  int size = 0;
  if (memory != nullptr) std::memcpy(&size, header_of(memory), sizeof(size));
  return size;
}

int rounded(int size) {
  return (size + 7) & ~7;
}

int begin(void*) {
  return SQLITE_OK;
}

void end(void*) {}

}  // namespace

void give_sqlite_plain_memory() {
  static const int done = [] {
    static const sqlite3_mem_methods methods{allocate, release, resize, size_of,
                                             rounded,  begin,   end,    nullptr};
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
  }();
  if (done != SQLITE_OK) throw std::logic_error("SQLite is in use already");
}

}  // namespace vbs::sim
