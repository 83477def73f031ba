#include "common/secret_box.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>

namespace vbs {
namespace {

constexpr std::string_view kPrefix = "v1:";
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;  // what GCM takes as it is
constexpr std::size_t kTagBytes = 16;

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

std::string to_hex(std::string_view raw) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * raw.size());
  for (const char c : raw) {
    const auto byte = static_cast<std::uint8_t>(c);
    hex += {kDigits[byte >> 4], kDigits[byte & 0x0F]};
  }
  return hex;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string raw;
  raw.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = OPENSSL_hexchar2int(static_cast<unsigned char>(hex[i]));
    const int low = OPENSSL_hexchar2int(static_cast<unsigned char>(hex[i + 1]));
    if (high < 0 || low < 0) return std::nullopt;
    raw.push_back(static_cast<char>(high << 4 | low));
  }
  return raw;
}

std::string random_bytes(Random& random, std::size_t count) {
  std::string raw(count, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(raw.data()), raw.size()});
  return raw;
}

Result<SecretBox> wrong(std::string message) {
  return fail(ErrorCode::invalid_field, std::move(message));
}

/// One try with one key; nullopt if it does not fit, or if a bit of anything was changed.
std::optional<Secret> open_with(const Secret& key, std::string_view nonce, std::string_view body,
                                std::string_view tag, std::string_view owner) {
  const Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string text(body.size(), '\0');
  std::string expected(tag);
  int length = 0;
  const bool fits =
      context != nullptr &&
      EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), bytes(std::string_view(key.reveal())),
                          bytes(nonce), nullptr) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &length, bytes(owner),
                        static_cast<int>(owner.size())) == 1 &&
      EVP_DecryptUpdate(context.get(), bytes(text), &length, bytes(body),
                        static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, expected.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), bytes(text) + length, &length) == 1;
  Secret secret(std::move(text));
  if (!fits) return std::nullopt;
  return secret;
}

}  // namespace

Result<SecretBox> SecretBox::from_text(std::string_view text) {
  std::vector<Secret> keys;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    if (line.empty()) continue;
    auto raw = from_hex(line);
    if (!raw || raw->size() != kKeyBytes) {
      return wrong("must hold one key a line, each of 64 hexadecimal digits");
    }
    keys.emplace_back(*std::move(raw));
  }
  if (keys.empty()) return wrong("holds no key");
  return SecretBox(std::move(keys));
}

Secret SecretBox::new_key_text(Random& random) {
  const Secret key(random_bytes(random, kKeyBytes));
  return Secret(to_hex(key.reveal()) + "\n");
}

bool SecretBox::is_sealed(std::string_view text) {
  return text.starts_with(kPrefix);
}

std::string SecretBox::seal(const Secret& secret, std::string_view owner, Random& random) const {
  const Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  const std::string nonce = random_bytes(random, kNonceBytes);
  const std::string& text = secret.reveal();
  std::string body(text.size(), '\0');
  std::string tag(kTagBytes, '\0');
  int length = 0;
  const bool done =
      context != nullptr &&
      EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(),
                          bytes(std::string_view(keys_.front().reveal())),
                          bytes(std::string_view(nonce)), nullptr) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &length, bytes(owner),
                        static_cast<int>(owner.size())) == 1 &&
      EVP_EncryptUpdate(context.get(), bytes(body), &length, bytes(std::string_view(text)),
                        static_cast<int>(text.size())) == 1 &&
      EVP_EncryptFinal_ex(context.get(), bytes(body) + length, &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag.data()) == 1;
  // Only memory can be missing here, and there is no other way to keep the secret.
  if (!done) std::abort();
  return std::string(kPrefix) + to_hex(nonce + body + tag);
}

Result<Secret> SecretBox::open(std::string_view sealed, std::string_view owner) const {
  const auto raw =
      is_sealed(sealed) ? from_hex(sealed.substr(kPrefix.size())) : std::optional<std::string>();
  if (raw && raw->size() >= kNonceBytes + kTagBytes) {
    const std::string_view all(*raw);
    const std::size_t body_bytes = all.size() - kNonceBytes - kTagBytes;
    for (const Secret& key : keys_) {
      auto secret = open_with(key, all.substr(0, kNonceBytes), all.substr(kNonceBytes, body_bytes),
                              all.substr(kNonceBytes + body_bytes), owner);
      if (secret) return *std::move(secret);
    }
  }
  return fail(ErrorCode::internal, "a sealed secret does not open");
}

}  // namespace vbs
