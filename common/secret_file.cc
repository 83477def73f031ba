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

Result<Secret> read_private_file(const std::string& path, std::string_view what) {
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
  return Secret(*std::move(text));
}

Result<Secret> read_secret_file(const std::string& path, std::string_view what) {
  const auto content = read_private_file(path, what);
  if (!content) return fail(content.error());
  std::string_view word = content->reveal();
  while (word.ends_with('\n') || word.ends_with('\r') || word.ends_with(' ')) word.remove_suffix(1);
  const bool printable =
      std::all_of(word.begin(), word.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (printable && word.size() >= kShortest) return Secret(std::string(word));
  return fail(
      ErrorCode::invalid_field,
      std::string(what) + " " + path + " must hold one word of at least 16 printable characters");
}

}  // namespace vbs
