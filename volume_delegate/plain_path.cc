#include "volume_delegate/plain_path.h"

#include <algorithm>

namespace vbs::volume_delegate {

bool is_plain_path(std::string_view path) {
  const bool plain = std::none_of(path.begin(), path.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == ',' || c == 127;
  });
  return plain && path.starts_with('/') && !path.ends_with('/') && !path.ends_with(' ');
}

std::string read_folder(config::Table& table, std::string_view key) {
  std::string path = table.string(key);
  if (!is_plain_path(path)) {
    table.reject(key,
                 "must be an absolute path without comma, control characters and a '/' at its end");
  }
  return path;
}

}  // namespace vbs::volume_delegate
