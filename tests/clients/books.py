"""A program that uses panora-sdk and keeps every raw answer."""

import httpx
from panora_sdk import Panora
from panora_sdk.utils import BackoffStrategy, RetryConfig

# Retries as often and as fast as the library can, for at most a second.
EAGER = RetryConfig(
    "backoff",
    BackoffStrategy(initial_interval=1, max_interval=1, exponent=1.0, max_elapsed_time=1000),
    retry_connection_errors=True,
)


class Books:
    """The library, unmodified: what a user passes to it is passed here, the server URL, the key and the token.

    Headers of one's own (`Idempotency-Key`) go through `client`; the library builds the requests of its
    asynchronous calls with it, too.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        token: str,
        *,
        headers: dict[str, str] | None = None,
        retry: RetryConfig | None = None,
        transport: httpx.BaseTransport | None = None,
    ):
        self.token = token
        self.answers: list[httpx.Response] = []
        self.client = httpx.Client(headers=headers, transport=transport, event_hooks={"response": [self._keep]})
        self.async_client = httpx.AsyncClient(event_hooks={"response": [self._keep_async]})
        options = {} if retry is None else {"retry_config": retry}
        self.sdk = Panora(
            api_key=api_key, server_url=url, client=self.client, async_client=self.async_client, **options
        )
        self.payments = self.sdk.accounting.payments

    @property
    def answer(self) -> httpx.Response:
        """The last raw answer."""
        return self.answers[-1]

    def create(self, payment: dict, **options):
        return self.payments.create(
            x_connection_token=self.token, unified_accounting_payment_input=payment, **options
        )

    async def create_async(self, payment: dict, **options):
        return await self.payments.create_async(
            x_connection_token=self.token, unified_accounting_payment_input=payment, **options
        )

    def retrieve(self, id: str, **options):
        return self.payments.retrieve(x_connection_token=self.token, id=id, **options)

    async def retrieve_async(self, id: str, **options):
        return await self.payments.retrieve_async(x_connection_token=self.token, id=id, **options)

    def list(self, **options):
        return self.payments.list(x_connection_token=self.token, **options)

    async def list_async(self, **options):
        return await self.payments.list_async(x_connection_token=self.token, **options)

    def get(self, path: str, **parameters):
        """The filters of the list, with the library's HTTP client: the library has no call for them."""
        return self.client.get(
            f"{self.sdk.sdk_configuration.server_url}{path}",
            params=parameters,
            headers={"x-api-key": self.sdk.sdk_configuration.security.api_key, "x-connection-token": self.token},
        )

    def _keep(self, response: httpx.Response) -> None:
        response.read()
        self.answers.append(response)

    async def _keep_async(self, response: httpx.Response) -> None:
        await response.aread()
        self.answers.append(response)
