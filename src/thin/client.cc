#include "thin/client.h"

#include <utility>

#include "thin/impl.h"
#include "thin/reply.h"

namespace taubenpost::thin {
namespace asio = boost::asio;
Client::Client(asio::any_io_executor executor, Options options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options))) {}

Client::~Client() { impl_->stop(); }

asio::awaitable<Status> Client::connect(Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  co_return co_await impl->connect(deadline_of(limit, kConnectLimit));
}

asio::awaitable<void> Client::close() {
  const std::shared_ptr<Impl> impl = impl_;
  co_await impl->close();
}

bool Client::is_open() const { return impl_->link().is_open(); }
bool Client::is_connected() const { return impl_->link().is_online(); }
const wire::PigeonholeGeometry* Client::geometry() const { return impl_->link().pigeonhole(); }
const wire::SphinxGeometry* Client::sphinx_geometry() const { return impl_->link().sphinx(); }
std::optional<Bytes16> Client::instance_token() const { return impl_->link().instance(); }
DocumentPtr Client::document() const { return impl_->link().document(); }

std::vector<ServiceId> Client::services(std::string_view capability) const {
  const DocumentPtr current = document();
  return current ? current->services(capability) : std::vector<ServiceId>{};
}

std::shared_ptr<Subscription> Client::subscribe(std::size_t capacity) {
  return impl_->subscribe(capacity);
}

}  // namespace taubenpost::thin
