#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "api/settings.h"
#include "common/wire/image.h"

namespace vbs::api {

/// One image, on every volume server that offers it.
struct OfferedImage {
  Uuid id;
  std::string name;                  ///< "" if it has none
  std::uint64_t size_bytes = 0;      ///< where servers differ, the largest
  std::vector<std::string> servers;  ///< by name
};

/// The images that volume servers offered when they were last heard; what a server that is away
/// offered is kept. Thread-safe.
class ImageCatalog {
 public:
  explicit ImageCatalog(const Settings& settings);

  /// What `server` offers now, all of it.
  void heard(const std::string& server, std::vector<wire::ImageStatus> images);

  /// By id.
  std::vector<OfferedImage> all() const;
  /// By id, or else by name. not_found, or node_unavailable as long as it may be on a server that
  /// has not been heard since the start; invalid_request where several images have the name.
  Result<OfferedImage> find(std::string_view id_or_name) const;

 private:
  std::string unheard() const;

  mutable std::mutex mutex_;
  /// By volume server; nullopt until it is heard.
  std::map<std::string, std::optional<std::vector<wire::ImageStatus>>> offers_;
};

}  // namespace vbs::api
