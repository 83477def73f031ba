#include "api/handlers/images.h"

#include "api/access.h"
#include "api/list_query.h"

namespace vbs::api {

namespace {

void render_image(json::Writer& out, const OfferedImage& image) {
  out.begin_object();
  out.member("id", image.id.str());
  out.key("name");
  image.name.empty() ? out.null() : out.string(image.name);
  out.member("size_bytes", image.size_bytes);
  out.key("volume_servers");
  out.begin_array();
  for (const std::string& server : image.servers) out.string(server);
  out.end_array();
  out.end_object();
}

}  // namespace

http::Response ImageHandlers::list(const Principal&, const http::Request&) const {
  json::Writer out;
  out.begin_object();
  out.key("images");
  out.begin_array();
  for (const OfferedImage& image : services_.images.all()) render_image(out, image);
  out.end_array();
  render_next(out, false, {});
  out.end_object();
  return http::json(200, out.take());
}

http::Response ImageHandlers::get(const Principal&, const http::Request& request) const {
  auto id = path_id(request, "id");
  if (!id) return http::problem(id.error());
  auto image = services_.images.find(id->str());
  if (!image) return http::problem(image.error());
  json::Writer out;
  render_image(out, *image);
  return http::json(200, out.take());
}

}  // namespace vbs::api
