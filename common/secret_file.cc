#include "common/secret_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "common/file.h"

namespace vbs {

namespace {

constexpr std::size_t kLongest = 4096;
constexpr std::size_t kShortest = 16;

}  // namespace

Result<Secret> read_secret_file(const std::string& path, std::string_view what) {
  const std::string name = std::string(what) + " " + path;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return fail(ErrorCode::invalid_field, "cannot read " + name + ": " + errno_text(errno));
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(ErrorCode::invalid_field,
                name + " can be used by others than its owner; `chmod 600` it");
  }
  auto text = read_file(path, kLongest);
  if (!text) return fail(text.error());
  while (text->ends_with('\n') || text->ends_with('\r') || text->ends_with(' ')) text->pop_back();
  const bool printable =
      std::all_of(text->begin(), text->end(), [](char c) { return c > ' ' && c <= '~'; });
  if (printable && text->size() >= kShortest) return Secret(*std::move(text));
  return fail(ErrorCode::invalid_field,
              name + " must hold one word of at least 16 printable characters");
}

}  // namespace vbs
