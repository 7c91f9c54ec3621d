"""The jobs that make videos, by API."""

from mcp_grok.endpoint import Endpoint
from mcp_grok.upstream.media.acedata_videos import AceDataVideos
from mcp_grok.upstream.media.video_job import VideoJobs
from mcp_grok.upstream.media.xai_videos import XAIVideos


def video_jobs(endpoint: Endpoint) -> VideoJobs:
    """The jobs of an endpoint whose provider makes videos."""
    return XAIVideos(endpoint) if endpoint.provider.video_api == "xai" else AceDataVideos(endpoint)
