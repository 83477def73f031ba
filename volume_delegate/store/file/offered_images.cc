#include "volume_delegate/store/file/offered_images.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "common/names.h"

namespace vbs::volume_delegate {
namespace {

constexpr std::string_view kImage = ".img";
constexpr std::string_view kName = ".name";
/// The longest name and its end of line.
constexpr std::size_t kNameLimit = 129;

/// "" where there is none; nullopt where it is no name.
std::optional<std::string> read_name(const std::string& path) {
  auto text = read_file(path, kNameLimit);
  if (!text && text.error().code == ErrorCode::not_found) return "";
  if (!text) return std::nullopt;
  if (text->ends_with('\n')) text->pop_back();
  if (!check_resource_name(*text, "name")) return std::nullopt;
  return std::move(*text);
}

tl::unexpected<Error> no_source(const Uuid& id, ErrorCode code, const std::string& why) {
  const ObjectRef image{ObjectKind::image, id};
  return fail(Error{code, image.str() + " " + why, "source", {}, {}});
}

}  // namespace

Result<OfferedImages> OfferedImages::open(const std::string& path) {
  auto folder = ImageFolder::open(path, ImageFolder::Leftovers::leave);
  if (!folder) return fail(folder.error());
  return OfferedImages(std::move(*folder));
}

std::string OfferedImages::name_path(const Uuid& id) const {
  std::string path = folder_.image_path(id);
  path.resize(path.size() - kImage.size());
  return path.append(kName);
}

Result<OfferedImages::Listing> OfferedImages::scan() const {
  auto found = folder_.scan();
  if (!found) return fail(found.error());
  Listing listing;
  listing.foreign = std::move(found->foreign);
  for (const auto& [id, info] : found->images) {
    if (auto name = read_name(name_path(id))) {
      std::erase(listing.foreign, name_path(id));
      listing.images.push_back({id, std::move(*name), info.size_bytes});
    } else {
      listing.foreign.push_back(folder_.image_path(id) + " (its .name file holds no name)");
    }
  }
  return listing;
}

Result<std::uint64_t> OfferedImages::size(const Uuid& id) const {
  const auto info = folder_.find(id);
  if (!info && info.error().code == ErrorCode::not_found)
    return no_source(id, ErrorCode::not_found, "is not on this server");
  if (!info) return fail(info.error());
  if (info->read_only) return info->size_bytes;
  return no_source(id, ErrorCode::conflict,
                   "can be written to: `chmod a-w " + folder_.image_path(id) + "`");
}

std::uint64_t OfferedImages::held_bytes() const {
  std::uint64_t held = 0;
  if (const auto found = folder_.scan()) {
    for (const auto& [id, info] : found->images) held += info.allocated_bytes;
  }
  return held;
}

}  // namespace vbs::volume_delegate
