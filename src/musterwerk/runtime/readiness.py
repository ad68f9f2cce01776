"""Whether an embedded server can be worked with: it serves, and what was asked for exists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.service import ConnectConfig, RPCError, RPCStatusCode, ServiceClient

from musterwerk.errors import ServerError

SearchAttributeType = Literal["Text", "Keyword", "Int", "Double", "Bool", "Datetime", "KeywordList"]

_RPC_TIMEOUT = timedelta(seconds=2)
_VALUE_TYPES = {
    "Text": IndexedValueType.INDEXED_VALUE_TYPE_TEXT,
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Int": IndexedValueType.INDEXED_VALUE_TYPE_INT,
    "Double": IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
    "Bool": IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
    "KeywordList": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
}


async def serves(
    address: str, namespace: str, search_attributes: Mapping[str, SearchAttributeType]
) -> bool:
    """Whether everything is in place. What is missing is asked for, so ask again.

    The server's own `--search-attribute` takes effect on a new database only.
    """
    try:
        service = await ServiceClient.connect(ConnectConfig(target_host=address))
        if not await service.check_health(timeout=_RPC_TIMEOUT):
            return False
        await service.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=namespace), timeout=_RPC_TIMEOUT
        )
        return await _in_place(service, namespace, search_attributes)
    except (RuntimeError, RPCError):  # RuntimeError is the SDK's "cannot connect"
        return False


async def _in_place(
    service: ServiceClient, namespace: str, wanted: Mapping[str, SearchAttributeType]
) -> bool:
    known = await service.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=namespace), timeout=_RPC_TIMEOUT
    )
    missing = {name: _VALUE_TYPES[kind] for name, kind in wanted.items()}
    for name, kind in known.custom_attributes.items():
        if missing.pop(name, kind) != kind:
            raise ServerError(
                f"the search attribute {name} exists already, and is not a {wanted[name]}; "
                "choose another name or another data folder"
            )
    if not missing:
        return True
    try:
        await service.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=namespace, search_attributes=missing),
            timeout=_RPC_TIMEOUT,
        )
    except RPCError as error:
        if error.status != RPCStatusCode.ALREADY_EXISTS:
            raise
    return False
