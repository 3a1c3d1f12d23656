"""The package's own rate limit, made to count: in 0.7.8 the half of it that counts is never called."""

from escalated.api_middleware import ApiRateLimit


class CountingRateLimit(ApiRateLimit):
    def __call__(self, request):
        return self.process_response(request, self.get_response(request))
