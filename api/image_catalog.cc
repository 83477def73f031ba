#include "api/image_catalog.h"

#include <algorithm>

namespace vbs::api {

namespace {

std::string ids_of(const std::vector<OfferedImage>& images) {
  std::string text;
  for (const OfferedImage& image : images) text += (text.empty() ? "" : ", ") + image.id.str();
  return text;
}

}  // namespace

ImageCatalog::ImageCatalog(const Settings& settings) {
  for (const NodeSettings& node : settings.nodes) {
    if (node.role == NodeRole::volume_server) offers_[node.name] = std::nullopt;
  }
}

void ImageCatalog::heard(const std::string& server, std::vector<wire::ImageStatus> images) {
  std::lock_guard lock(mutex_);
  offers_[server] = std::move(images);
}

std::vector<OfferedImage> ImageCatalog::all() const {
  std::map<Uuid, OfferedImage> found;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [server, offers] : offers_) {
      for (const wire::ImageStatus& offer : offers.value_or(std::vector<wire::ImageStatus>())) {
        OfferedImage& image = found[offer.id];
        image.id = offer.id;
        if (image.name.empty()) image.name = offer.name;
        image.size_bytes = std::max(image.size_bytes, offer.size_bytes);
        // One that is there twice is one; its server says so when it is used.
        if (image.servers.empty() || image.servers.back() != server)
          image.servers.push_back(server);
      }
    }
  }
  std::vector<OfferedImage> images;
  for (auto& [id, image] : found) images.push_back(std::move(image));
  return images;
}

std::string ImageCatalog::unheard() const {
  std::lock_guard lock(mutex_);
  for (const auto& [server, offers] : offers_) {
    if (!offers) return server;
  }
  return "";
}

Result<OfferedImage> ImageCatalog::find(std::string_view id_or_name) const {
  const auto id = Uuid::parse(id_or_name);
  std::vector<OfferedImage> images = all();
  std::erase_if(images, [&](const OfferedImage& image) {
    return id ? image.id != *id : image.name != id_or_name;
  });
  if (images.size() == 1) return std::move(images.front());
  const std::string text(id_or_name);
  if (images.size() > 1) {
    return fail(ErrorCode::invalid_request,
                "several images are named " + text + ": " + ids_of(images) + "; give the id");
  }
  const std::string silent = unheard();
  if (silent.empty()) return fail(ErrorCode::not_found, "there is no image " + text);
  return fail({ErrorCode::node_unavailable,
               "image " + text + " was not found, and volume server " + silent +
                   " has not said yet what it offers",
               {},
               silent,
               {}});
}

}  // namespace vbs::api
